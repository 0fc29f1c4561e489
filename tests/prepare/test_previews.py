"""Tests of L{smtpeter.prepare.previews} and L{smtpeter.prepare.preview}."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import InlineRequest, InlineResult
from smtpeter.boundaries.preview import PreviewsBusy, PreviewTooLarge
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import SenderDomain
from smtpeter.model.options import Features
from smtpeter.model.preview import Preview, Signature
from smtpeter.prepare.message import tracking_of
from smtpeter.prepare.previews import MAX_BYTES, MAX_OF_ACCOUNT, MAX_WAITING, Previews
from tests.prepare.case import HTML, PLAIN
from tests.prepare.rig import ALL, BASE, KEYS, Domains, Inline, Inlining, Rig, submission

FIELDS = b"From: a@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
CONTENT = FIELDS + HTML


class SlowInlining(Inlining):
    """Answers when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        turn: Deferred[None] = Deferred()
        self.waiting.append(turn)
        await turn
        return await super().inline(request)


class BusyDomains(Domains):
    """Cannot be read."""

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        raise StorageBusy("not now")


class PreviewsCase(SynchronousTestCase):
    """Has a rig and what makes previews with it."""

    @override
    def setUp(self) -> None:
        self.rig = Rig()
        self.previews = self.made()

    def made(self) -> Previews:
        return Previews(preparer=self.rig.compiler(), threads=Inline(), tracking=tracking_of(KEYS, BASE))

    def begun(self, content: bytes = CONTENT, features: Features = ALL, **others: Any) -> "Deferred[Sequence[Preview]]":
        one = submission(content, features, **others)
        return Deferred.fromCoroutine(self.previews.preview(one))

    def shown(self, content: bytes = CONTENT, features: Features = ALL, **others: Any) -> Preview:
        """The first of two messages."""
        first, second = self.successResultOf(self.begun(content, features, **others))
        self.assertEqual(first.recipient, second.recipient)
        preview: Preview = first
        return preview


class PreviewTests(PreviewsCase):
    """What is shown."""

    def test_whole(self) -> None:
        """A preview has all of a message, and each recipient's tokens are its own."""
        first, second = self.successResultOf(self.begun())
        self.assertTrue(first.content.startswith(b"DKIM-Signature:"))
        self.assertIn(b"\r\nFrom: a@example.com\r\n", first.content)
        self.assertEqual(first.signature, Signature(domain="example.com", selector="s1"))
        self.assertEqual(list(first.links.values()), ["https://example.com/x"])
        self.assertNotEqual(list(first.links), list(second.links))
        self.assertNotEqual(first.reverse_path, second.reverse_path)
        self.assertIn(next(iter(first.links)), first.html or "")
        self.assertEqual(first.warnings, ("there is no plain text beside the HTML",))

    def test_without_tracking(self) -> None:
        """Without clicks there is no map, and nobody is told that links are not tracked."""
        preview = self.shown(features=Features())
        self.assertEqual((preview.links, preview.reverse_path), ({}, "sender@example.com"))
        self.assertEqual(preview.warnings, ("there is no plain text beside the HTML",))

    def test_sender(self) -> None:
        """An unsigned message says why, an empty envelope that nobody hears, a foreign one that nothing is aligned."""
        self.rig = Rig(domains=Domains(has_key=False))
        self.previews = self.made()
        nothing, unsigned = Features(), "the message is not signed: example.com has no DKIM key"
        for reverse_path, said in (
            ("a@example.com", (unsigned,)),
            ("a@bounces.example.com", (unsigned,)),
            ("", ("the envelope sender is empty: nobody hears of bounces", unsigned)),
            (
                "a@notexample.com",
                (
                    unsigned,
                    "neither signature nor envelope sender is of example.com: where it publishes a DMARC policy, "
                    "that fails",
                ),
            ),
        ):
            preview = self.shown(PLAIN, nothing, reverse_path=reverse_path)
            self.assertEqual((preview.signature, preview.warnings), (None, said))
        preview = self.shown(PLAIN, nothing, sender_domain="")
        self.assertEqual(
            preview.warnings, ("the message is not signed: the domain of From is not an approved sender domain",)
        )

    def test_parts(self) -> None:
        """What was asked for and has no HTML to be done to is named; a text without wishes has no warning."""
        asked = Features(inlinecss=True, trackopens=True)
        preview = self.shown(PLAIN, asked)
        said = "there is no HTML that a reader sees, so nothing is done for inlinecss, trackopens"
        self.assertEqual((preview.html, preview.warnings), (None, (said,)))
        self.assertEqual(self.shown(PLAIN, Features()).warnings, ())

    def test_preparing(self) -> None:
        """What intake and preparing warn of is passed on, once each."""
        self.rig.inliner.fails = True
        preview = self.shown(features=Features(inlinecss=True), warnings=("asked in vain", "asked in vain"))
        self.assertEqual(preview.warnings[:2], ("asked in vain", "style sheets were not inlined: too slow"))
        utf8 = "Subject: Grüße\r\n".encode() + PLAIN
        (said,) = self.shown(utf8, Features(), is_utf8=True).warnings
        self.assertIn("SMTPUTF8", said)

    def test_many_links(self) -> None:
        """Of very many links that are not tracked some are named, and the others counted."""
        links = b"".join(b"<a href='http://a b.example/%d'>x</a>" % number for number in range(25))
        warnings = [one for one in self.shown(FIELDS + links).warnings if "link" in one]
        self.assertEqual((len(warnings), warnings[-1]), (21, "5 more links are not tracked"))

    def test_left_part(self) -> None:
        """A part that was left as it is has no links, and its warning says why."""
        preview = self.shown(CONTENT.replace(b"utf-8", b"utf-16"))
        self.assertEqual(preview.links, {})
        self.assertIn("charset utf-16 is not supported", preview.warnings[0])


class BoundsTests(PreviewsCase):
    """What previews may cost."""

    def test_one_at_a_time(self) -> None:
        """One is made at a time; those of an account and all together have a bound, and make room when they end."""
        slow = self.rig.inliner = SlowInlining()
        self.previews = self.made()
        inline = Features(inlinecss=True)
        begun = [
            self.begun(FIELDS + b"<style>p{}</style><p>%d" % number, inline, account_id=number // MAX_OF_ACCOUNT)
            for number in range(MAX_WAITING)
        ]
        self.assertEqual(len(slow.waiting), 1)
        self.failureResultOf(self.begun(account_id=99), PreviewsBusy)
        slow.waiting.pop().callback(None)
        self.successResultOf(begun.pop(0))
        self.assertEqual(len(slow.waiting), 1)
        self.failureResultOf(self.begun(account_id=1), PreviewsBusy)
        begun.append(self.begun(FIELDS + b"<style>p{}</style><p>x", inline, account_id=99))
        for one in begun:
            self.assertNoResult(one)
            if slow.waiting:
                slow.waiting.pop().callback(None)
        for one in begun:
            self.successResultOf(one)

    def test_size(self) -> None:
        """What is too large for all recipients together is not rendered; what fits is."""
        half = PLAIN + b"x\r\n" * (MAX_BYTES // 6)
        self.failureResultOf(self.begun(half), PreviewTooLarge)
        self.successResultOf(self.begun(half[:-4000]))

    def test_failures(self) -> None:
        """A preview that fails makes room for the next; a stop is told as being busy."""

        class Stopped(Inlining):
            """Ends."""

            @override
            async def inline(self, request: InlineRequest) -> InlineResult:
                raise CancelledError

        self.rig = Rig(domains=BusyDomains())
        self.previews = self.made()
        for _ in range(MAX_OF_ACCOUNT + 1):
            self.failureResultOf(self.begun(), StorageBusy)
        self.rig = Rig(inliner=Stopped())
        self.previews = self.made()
        for _ in range(MAX_OF_ACCOUNT + 1):
            self.failureResultOf(self.begun(features=Features(inlinecss=True)), PreviewsBusy)
            self.assertEqual(self.previews._waiting.total(), 0)
