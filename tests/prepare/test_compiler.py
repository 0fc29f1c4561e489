"""Tests of compiling with style sheets: splices, repetition, failures."""

from base64 import b64encode

from twisted.internet.defer import CancelledError, Deferred
from typing_extensions import override

from smtpeter.boundaries.prepare import InlineRequest, InlineResult
from smtpeter.model.options import Features
from smtpeter.prepare.compiler import KEEP_FAILED_SECONDS
from tests.prepare.case import CLICKS, HTML, INLINE, OFF, OPENS, CompilerCase
from tests.prepare.rig import MESSAGE, Inlining, submission
from tests.support.newsletters import message


class Broken(Inlining):
    """Has a bug."""

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        """Fail in a way that nobody foresaw."""
        raise ZeroDivisionError


class Stopping(Inlining):
    """Is stopped while it works."""

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        """What a service does with those who wait."""
        raise CancelledError


class InliningTests(CompilerCase):
    """Style sheets."""

    def test_inlined(self) -> None:
        """What the engine says is spliced in, links in the same bytes."""
        sent = self.sent(message(HTML, "utf-8"), Features(inlinecss=True, trackclicks=True))
        self.assertRegex(
            sent,
            rb'<style>/\* kept \*/</style>\r\n<p style="color: #123456"><a style="color: #123456" '
            rb"href='https://clicks[^']*/x'>x</a></p>\r\n\Z",
        )

    def test_repeated(self) -> None:
        """The same HTML in another message costs the engine nothing."""
        compiler = self.rig.compiler()
        for subject in (b"one", b"two"):
            content = b"Subject: " + subject + b"\r\n" + message(HTML, "utf-8")
            self.successResultOf(compiler.prepare(submission(content, INLINE)))
        self.assertEqual(len(self.rig.inliner.requests), 1)

    def test_other_charset(self) -> None:
        """Equal bytes in another charset, or under another transfer encoding, say something else: nothing is shared."""
        kinds = [(charset, "8bit") for charset in ("utf-8", "iso-8859-1", "koi8-r")]
        kinds += [("utf-8", "quoted-printable"), ("iso-8859-1", "quoted-printable"), ("utf-8", "base64")]
        for html in (b'<a href="http://x/\xc3\xa9">y</a>', b'<a href=3D"http://x/=C3=A9">y</a>', b64encode(HTML)):
            compiler, different = self.rig.compiler(), set()
            for charset, encoding in kinds * 2:
                head = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
                content = b"From: a@example.com\r\n" + head.encode() + html
                prepared = self.successResultOf(compiler.prepare(submission(content, CLICKS)))
                body = self.successResultOf(prepared.render(MESSAGE, False)).partition(b"\r\n\r\n")[2]
                self.assertEqual(body, self.sent(content, CLICKS).partition(b"\r\n\r\n")[2])
                different.add(body)
            self.assertGreater(len(different), 1)

    def test_other_wishes(self) -> None:
        """Neither is anything shared by messages that want something else done to equal bytes."""
        compiler = self.rig.compiler()
        contents = (message(HTML, "utf-8"), b"List-Unsubscribe: <https://example.com/x>\r\n" + message(HTML, "utf-8"))
        asked = (OFF, CLICKS, OPENS, INLINE, Features(trackclicks=True, preventscam=True))
        for content in contents:
            for features in asked:
                prepared = self.successResultOf(compiler.prepare(submission(content, features)))
                sent = self.successResultOf(prepared.render(MESSAGE, False))
                self.assertEqual(sent, self.sent(content, features))

    def test_one_warning(self) -> None:
        """What could not be done in several parts is told once."""
        self.rig.inliner.fails = True
        parts = b"".join(b"--b\r\nContent-Type: text/html\r\n\r\n" + HTML + b"%d\r\n" % number for number in range(3))
        content = b"From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n"
        self.assertEqual(self.prepared(content, INLINE).warnings, ("style sheets were not inlined: too slow",))
        self.assertEqual(len(self.rig.inliner.requests), 3 + 0)

    def test_failed(self) -> None:
        """When the engine fails the message goes un-inlined with a warning, and is tried again after a while only."""
        self.rig.inliner.fails = True
        compiler = self.rig.compiler()
        for expected, seconds in ((1, 1), (1, KEEP_FAILED_SECONDS), (2, 0)):
            prepared = self.successResultOf(compiler.prepare(submission(message(HTML, "utf-8"), INLINE)))
            self.assertEqual(prepared.warnings, ("style sheets were not inlined: too slow",))
            self.assertTrue(self.successResultOf(prepared.render(MESSAGE, False)).endswith(HTML))
            self.assertEqual(len(self.rig.inliner.requests), expected)
            self.rig.clock.advance(seconds)

    def test_bug(self) -> None:
        """A fault of ours in a part is logged and leaves the part as it is; the message goes on."""
        self.rig.inliner = Broken()
        prepared = self.prepared(message(HTML, "utf-8"), Features(inlinecss=True, trackclicks=True))
        self.assertTrue(self.successResultOf(prepared.render(MESSAGE, False)).endswith(HTML))
        self.assertEqual(len(prepared.warnings), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_interrupted(self) -> None:
        """When the server stops meanwhile nothing is made: no mail goes out half done, and no fault is logged."""
        self.rig.inliner = Stopping()
        compiler, content = self.rig.compiler(), message(HTML, "utf-8")
        preparing = Deferred.fromCoroutine(compiler.prepare(submission(content, INLINE)))
        self.failureResultOf(preparing, CancelledError)
        self.rig.inliner = Inlining()
        prepared = self.successResultOf(self.rig.compiler().prepare(submission(content, INLINE)))
        self.assertEqual(prepared.warnings, ())

    def test_small_cache(self) -> None:
        """What takes too much memory is not kept, and the oldest goes first."""
        compiler = self.rig.compiler(cache_bytes=6000)
        letters = [b"<style>p{}</style><p>" + bytes([65 + index]) * 300 for index in range(6)]
        for html in (
            *letters,
            letters[5],
            letters[0],
            b"<style>p{}</style>" + b"x" * 9000,
            b"<style>p{}</style>" + b"x" * 9000,
        ):
            self.successResultOf(compiler.prepare(submission(message(html, "utf-8"), INLINE)))
        self.assertEqual(len(self.rig.inliner.requests), 6 + 0 + 1 + 2)
