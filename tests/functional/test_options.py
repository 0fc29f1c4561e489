"""Options of logins and of single messages, from outside: each C{x-smtpeter-} field, and what is left of it."""

from functools import cache

from attrs import frozen

from tests.functional.test_smtp_survival import MAIL, QUEUED, House, HouseCase
from tests.support.sink import Delivered
from tests.support.wire import plain

FEATURES = ("inlinecss", "trackclicks", "trackopens", "trackbounces", "preventscam")
BODY = (
    b"<style>p { color: red }</style><p>x</p>\r\n"
    b'<a href="https://x.example/a">read</a> <a href="https://x.example/b">https://x.example/b</a>\r\n'
)
HEAD = b"From: a@shop.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"


@frozen
class Done:
    """What was done to a message, as its receiver sees it."""

    inlinecss: bool
    trackclicks: bool
    trackopens: bool
    trackbounces: bool
    preventscam: bool


@cache
def full_login(house: House) -> bytes:
    """The token of a login that has every feature."""
    return plain(*house.it.sender("shop.example", *(f"--{name}" for name in FEATURES)))


def seen(arrived: Delivered) -> Done:
    """Read off what was done."""
    content = arrived.content
    return Done(
        inlinecss=b'<p style="color:red">' in content,
        trackclicks=b'<a href="https://x.example/a">' not in content,
        trackopens=b".gif" in content,
        trackbounces=arrived.reverse_path.endswith("@bounces.localhost"),
        preventscam=b'<a href="https://x.example/b">' in content,
    )


class OptionCase(HouseCase):
    """Hands messages in, by a login with every feature or with none."""

    def hand_in(self, content: bytes, is_full: bool = False) -> str:
        """Have it accepted. @return: the message's id."""
        with self.house.logged_in(token=full_login(self.house) if is_full else b"") as wire:
            wire.say(MAIL + b"RCPT TO:<options@y.example>\r\nDATA\r\n", 3)
            answer = wire.say(content + b".\r\n")
        self.assertRegex(answer, QUEUED)
        return answer.split()[5].decode()

    def arrived(self, content: bytes, is_full: bool = False) -> Delivered:
        """What becomes of it."""
        self.house.sink.arrived[:] = []
        self.hand_in(content, is_full)
        return self.house.arrived("options@y.example")

    def done(self, fields: bytes, is_full: bool) -> Done:
        """What fields in the header lead to."""
        return seen(self.arrived(HEAD + fields + b"\r\n" + BODY, is_full))


class SwitchTests(OptionCase):
    """The switches."""

    NOTHING = Done(False, False, False, False, True)
    EVERYTHING = Done(True, True, True, True, True)

    def test_login(self) -> None:
        """Without fields the login counts."""
        self.assertEqual(self.done(b"", False), self.NOTHING)
        self.assertEqual(self.done(b"", True), self.EVERYTHING)

    def test_each(self) -> None:
        """Each field switches its own feature on or off for one message, whatever the login has."""
        for name in FEATURES[:4]:
            on = self.done(b"X-SMTPeter-%s: yes\r\n" % name.title().encode(), False)
            self.assertEqual(
                {one: getattr(on, one) for one in FEATURES[:4]}, {one: one == name for one in FEATURES[:4]}
            )
            off = self.done(b"x-smtpeter-%s: OFF\r\n" % name.encode(), True)
            self.assertEqual(
                {one: getattr(off, one) for one in FEATURES[:4]}, {one: one != name for one in FEATURES[:4]}
            )

    def test_preventscam(self) -> None:
        """A link whose text is an address is left alone only where that is asked for; the others are tracked."""
        self.assertFalse(self.done(b"x-smtpeter-preventscam: false\r\n", True).preventscam)
        tracked = self.done(b"x-smtpeter-trackclicks: 1\r\n", False)
        self.assertEqual((tracked.trackclicks, tracked.preventscam), (True, False))
        kept = self.done(b"x-smtpeter-trackclicks: on\r\nX-SMTPETER-PREVENTSCAM: True\r\n", False)
        self.assertEqual((kept.trackclicks, kept.preventscam), (True, True))

    def test_wrong_value(self) -> None:
        """What is no boolean leaves the login's value, and is a warning that an operator sees."""
        fields = b"x-smtpeter-trackopens: maybe\r\nx-smtpeter-images: cloud\r\nx-smtpeter-foo: 1\r\n"
        self.assertEqual(self.done(fields, True), self.EVERYTHING)
        shown = self.house.it.cli("message", "show", self.hand_in(HEAD + fields + b"\r\n" + BODY, True))
        self.assertEqual(len(shown["warnings"]), 3, shown["warnings"])
        for word, warning in zip(("maybe", "cloud", "x-smtpeter-foo"), shown["warnings"], strict=True):
            self.assertIn(word, warning)

    def test_tags(self) -> None:
        """Tags stand with every event of the message."""
        id = self.hand_in(HEAD + b"X-SMTPeter-Tags: may,\r\n news\r\nx-smtpeter-tags: a b, x;y, last\r\n\r\n" + BODY)
        self.house.arrived("options@y.example")
        shown = self.house.it.cli("message", "show", id)
        self.assertEqual(shown["tags"], ["may", "news", "last"])
        self.assertEqual({event["data"]["tags"] for event in shown["events"]}, {"may;news;last"})
        self.assertEqual(len(shown["warnings"]), 2)


class RemovalTests(OptionCase):
    """No field of ours leaves the server."""

    def test_own_header(self) -> None:
        """Known or not, repeated, folded, in any case, with a blank before the colon: they are gone, others stay."""
        fields = (
            b"x-smtpeter-tags: a\r\nX-SMTPETER-TAGS: b,\r\n\tc\r\nX-SMTPeter-Unknown:\r\n folded\r\n more\r\n"
            b"x-smtpeter-trackopens : no\r\nX-Smtpeter-: empty\r\nX-SMTPeter: stays\r\nX-Not-X-SMTPeter-Foo: stays\r\n"
        )
        content = self.arrived(fields + HEAD + fields + b"\r\n" + BODY).content.lower()
        header, _, body = content.partition(b"\r\n\r\n")
        self.assertNotIn(b"\nx-smtpeter-", b"\n" + header)
        for word in (b"folded", b"more", b"empty"):
            self.assertNotIn(word, header)
        self.assertEqual(header.count(b"\nx-smtpeter: stays"), 2)
        self.assertEqual(header.count(b"\nx-not-x-smtpeter-foo: stays"), 2)
        self.assertEqual(body, BODY.lower())

    def test_attached(self) -> None:
        """In attached messages, in headers of parts and in the text they stay, and mean nothing."""
        body = (
            b"--b\r\nContent-Type: text/html\r\nX-SMTPeter-TrackOpens: true\r\n\r\n" + BODY + b"--b\r\n"
            b"Content-Type: message/rfc822\r\n\r\nX-SMTPeter-TrackClicks: true\r\nFrom: x@y.example\r\n"
            b"Content-Type: text/html\r\n\r\n" + BODY + b"--b--\r\nx-smtpeter-inlinecss: true\r\n"
        )
        head = b"From: a@shop.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        self.assertEqual(self.arrived(head + body).content.partition(b"\r\n\r\n")[2], body)
