"""Tests of rendering: what is shared, how large it is, what goes to threads."""

from collections.abc import Callable
from typing import Any, TypeVar

import dkim
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from typing_extensions import override

from smtpeter.model.options import Features
from smtpeter.prepare.compiler import COSTLY_TAGS
from smtpeter.prepare.prepared import SMALL
from tests.prepare.case import CLICKS, HTML, INLINE, OFF, OPENS, PLAIN, CompilerCase, Waiting
from tests.prepare.rig import MESSAGE, OTHER, RECORD, Domains, Inline, Rig, submission
from tests.support.newsletters import message

T = TypeVar("T")


@define
class Noting(Inline):
    """Knows what it ran."""

    names: list[str] = field(factory=list)

    @override
    async def run(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call it."""
        self.names.append(getattr(function, "func", function).__name__)
        return function(*arguments)


class SharingTests(CompilerCase):
    """What is the same for all recipients."""

    def test_shared(self) -> None:
        """Without tokens content and reverse-path are shared, and the content is made once."""
        self.rig.domains = Domains()
        prepared = self.prepared(message(HTML, "utf-8"), INLINE)
        self.assertTrue(prepared.is_shared)
        first, second = (self.successResultOf(prepared.render(id, False)) for id in (MESSAGE, OTHER))
        self.assertIs(first, second)
        self.assertIs(first, self.successResultOf(prepared.render(MESSAGE, True)))
        self.assertTrue(self.prepared(PLAIN, Features(trackclicks=True, trackopens=True)).is_shared)

    def test_not_shared(self) -> None:
        """With a token in the body, in the header or in the envelope they are not."""
        for features in (CLICKS, OPENS, Features(trackbounces=True)):
            prepared = self.prepared(message(HTML, "utf-8"), features)
            self.assertFalse(prepared.is_shared)
            contents = {self.successResultOf(prepared.render(id, False)) for id in (MESSAGE, OTHER)}
            self.assertEqual(len(contents), 2)

    def test_each_signed(self) -> None:
        """Every recipient's own copy verifies, with a body of its own."""
        self.rig.domains = Domains()
        prepared = self.prepared(message(HTML, "utf-8"), CLICKS)
        sent = [self.successResultOf(prepared.render(id, False)) for id in (MESSAGE, OTHER)]
        self.assertNotEqual(sent[0].partition(b"\r\n\r\n")[2], sent[1].partition(b"\r\n\r\n")[2])
        for one in sent:
            self.assertTrue(dkim.verify(one, dnsfunc=lambda name, timeout=5: RECORD))

    def test_joined(self) -> None:
        """Who asks for a shared content that is being made gets that one."""
        threads = Waiting()
        self.rig = Rig(threads=threads)  # type: ignore[arg-type]
        compiling = Deferred.fromCoroutine(self.rig.compiler().prepare(submission(PLAIN, OFF)))
        threads.go_on()
        prepared = self.successResultOf(compiling)
        waiting = [Deferred.fromCoroutine(prepared.render(id, False)) for id in (MESSAGE, OTHER)]
        self.assertEqual(threads.go_on(), 1)
        self.assertIs(self.successResultOf(waiting[0]), self.successResultOf(waiting[1]))

    def test_given_up(self) -> None:
        """A content that nobody waits for any more is not made, and not taken for one that cannot be signed."""
        threads = Waiting()
        self.rig = Rig(threads=threads)  # type: ignore[arg-type]
        compiling = Deferred.fromCoroutine(self.rig.compiler().prepare(submission(PLAIN, OFF)))
        threads.go_on()
        prepared = self.successResultOf(compiling)
        first, second = (Deferred.fromCoroutine(prepared.render(id, False)) for id in (MESSAGE, OTHER))
        first.cancel()
        for each in (first, second):
            self.failureResultOf(each, CancelledError)
        threads.go_on()
        again = Deferred.fromCoroutine(prepared.render(OTHER, False))
        threads.go_on()
        self.assertTrue(dkim.verify(self.successResultOf(again), dnsfunc=lambda name, timeout=5: RECORD))

    def test_cannot_be_signed(self) -> None:
        """A content goes unsigned when signing fails by a fault of ours, which is logged."""
        self.rig.domains = Domains()
        prepared = self.prepared(PLAIN, OFF)
        self.rig.threads.is_broken = True
        sent = self.successResultOf(prepared.render(MESSAGE, False))
        self.assertTrue(sent.endswith(PLAIN))
        self.assertNotIn(b"DKIM-Signature", sent)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_signed_anew(self) -> None:
        """The seven-bit form has a signature of its own, whichever form was asked for first."""
        self.rig.domains = Domains()
        for order in ((False, True), (True, False, True)):
            prepared = self.prepared(message("<p>é</p>".encode(), "utf-8"), OFF)
            for seven_bit in order:
                sent = self.successResultOf(prepared.render(MESSAGE, seven_bit))
                self.assertEqual(sent.isascii(), seven_bit)
                self.assertTrue(dkim.verify(sent, dnsfunc=lambda name, timeout=5: RECORD))

    def test_sizes(self) -> None:
        """The size that is told is about the size that is sent."""
        self.rig.domains = Domains()
        for content in (PLAIN, message(HTML, "utf-8")):
            prepared = self.prepared(content)
            size = len(self.successResultOf(prepared.render(MESSAGE, False)))
            self.assertTrue(0 <= prepared.size_bytes - size < 600, (prepared.size_bytes, size))

    def test_kinds(self) -> None:
        """Eight bits and the need for SMTPUTF8 are told from what is sent."""
        eight = PLAIN + "é\r\n".encode()
        named = "Subject: é\r\n".encode() + PLAIN
        for content, is_utf8, expected in (
            (PLAIN, True, (False, False)), (eight, True, (True, False)), (named, True, (True, True)),
            (named, False, (True, False)),
        ):  # fmt: skip
            prepared = self.prepared(content, OFF, is_utf8=is_utf8)
            self.assertEqual((prepared.is_eightbit, prepared.needs_utf8), expected)


class ThreadTests(CompilerCase):
    """What leaves the reactor's thread."""

    def test_small(self) -> None:
        """A small message without a key is made at once."""
        self.sent(message(HTML, "utf-8"))
        self.assertEqual(self.rig.threads.calls, 0)

    def test_large(self) -> None:
        """A large one is compiled and rendered in threads, and so is one with very many tags."""
        for html in (HTML + b"x\r\n" * SMALL, b"<a href=http://x/>\r\n" * 2000):
            self.rig.threads = Inline()
            prepared = self.prepared(message(html, "utf-8"))
            self.assertGreater(self.rig.threads.calls, 0)
            before = self.rig.threads.calls
            self.successResultOf(prepared.render(MESSAGE, False))
            self.assertEqual(self.rig.threads.calls, before + 1)

    def test_what_goes_there(self) -> None:
        """All the work on a large content is done in threads, step by step, from its reading to its measuring."""
        large, tags = HTML + b"x\r\n" * SMALL, HTML + b"<b>\r\n" * (COSTLY_TAGS + 1)
        of_part = ["numbered", "style_splices", "change_html"]
        whole = ["open_message", "change_key", "read_html_part", *of_part, "close_message", "prepare_message"]
        for html, names in ((HTML, []), (tags, of_part), (large, whole)):
            self.rig.threads = threads = Noting()
            self.prepared(message(html, "utf-8"), Features(inlinecss=True, trackclicks=True))
            self.assertEqual(threads.names, names)

    def test_large_text(self) -> None:
        """A large content without HTML is opened, closed, measured and rendered in threads too."""
        self.rig.threads = threads = Noting()
        prepared = self.prepared(PLAIN + b"x\r\n" * SMALL, Features(trackclicks=True))
        self.assertEqual(threads.names, ["open_message", "close_message", "prepare_message"])
        self.successResultOf(prepared.render(MESSAGE, False))
        self.assertEqual(len(threads.names), 4)

    def test_key(self) -> None:
        """A key is read in a thread."""
        self.rig.threads = threads = Noting()
        self.rig.domains = Domains()
        self.prepared(PLAIN, OFF)
        self.assertEqual(threads.names, ["from_key"])

    def test_batches(self) -> None:
        """What is asked for while the threads are busy goes together."""
        threads = Waiting()
        self.rig = Rig(threads=threads)  # type: ignore[arg-type]
        compiling = Deferred.fromCoroutine(self.rig.compiler().prepare(submission(PLAIN)))
        threads.go_on()
        prepared = self.successResultOf(compiling)
        waiting = [Deferred.fromCoroutine(prepared.render(MESSAGE, False)) for _ in range(12)]
        self.assertEqual([threads.go_on(), threads.go_on(), threads.go_on()], [2, 1, 0])
        for each in waiting:
            self.assertTrue(dkim.verify(self.successResultOf(each), dnsfunc=lambda name, timeout=5: RECORD))
