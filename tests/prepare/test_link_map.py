"""Tests of L{smtpeter.prepare.link_map}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.document import editable_html_parts
from smtpeter.mime.scanner import scan
from smtpeter.model.keys import MacKeys
from smtpeter.prepare import link_map
from smtpeter.prepare.html_part import Wanted, read_html_part
from smtpeter.prepare.link_map import LinkMap
from smtpeter.prepare.message import tracking_of
from smtpeter.tracking.tokens import make_click
from tests.prepare.rig import BASE, HOST, KEYS, MESSAGE

TRACKING = tracking_of(KEYS, BASE)


def read(html: str, preventscam: bool = False, kept: frozenset[str] = frozenset()) -> LinkMap:
    """The links of a document."""
    content = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
    (part,) = editable_html_parts(scan(content))
    links = LinkMap()
    wanted = Wanted(clicks=True, opens=False, preventscam=preventscam, kept=kept)
    links.read(read_html_part(content, part), wanted, TRACKING)
    return links


class LinkMapTests(SynchronousTestCase):
    """What is found of a message that was rendered."""

    def test_tracked(self) -> None:
        """A link of ours leads where its token says, its fragment included, whichever form it has."""
        for url in ("https://x.example/a?b=1&c=2", "https://x.example", "https://x.example/%zz?q"):
            link = BASE + make_click(KEYS, HOST, MESSAGE, 1, url)
            links = read(f'<a href="{link.replace("&", "&amp;")}#f">x</a>')
            self.assertEqual(list(links.tracked), [f"{link}#f"])
            (destination,) = links.tracked.values()
            self.assertEqual(destination.replace("example/#", "example#"), f"{url}#f")
            self.assertEqual(links.left, {})

    def test_left(self) -> None:
        """Each reason for which a link is not tracked is told apart."""
        kept = frozenset(("https://x.example/leave",))
        cases = {
            "<a href='http://a b.example/'>x</a>": link_map.IN_DOUBT,
            "<a href='https://x.example/leave#f'>x</a>": link_map.KEPT,
            f"<a href='{BASE}/page'>x</a>": link_map.OWN,
            "<a href='https://x.example/'>www.x.example</a>": link_map.SCAM,
            "<area href='https://x.example/'>www.x.example": link_map.TOO_MANY,
            "<a href='https://x.example/'>x</a>": link_map.TOO_MANY,
        }
        for html, reason in cases.items():
            self.assertEqual(list(read(html, preventscam=True, kept=kept).left.values()), [reason], html)
        self.assertEqual(
            list(read("<a href='https://x.example/'>www.x.example</a>").left.values()), ["" or link_map.TOO_MANY]
        )

    def test_none(self) -> None:
        """Other schemes, anchors without address and comments are no links."""
        links = read("<a href='mailto:a@x.example'>x</a><a name=x>x</a><!-- <a href='https://x.example/'>x</a> -->")
        self.assertEqual((links.tracked, links.left), ({}, {}))

    def test_forged(self) -> None:
        """A link under another key is none of ours, whatever it looks like."""
        others = MacKeys(current=KEYS.current, keys={KEYS.current: b"o" * 32})
        link = BASE + make_click(others, HOST, MESSAGE, 1, "https://x.example/a")
        self.assertEqual(read(f'<a href="{link}">x</a>').tracked, {})
