"""Tests of L{smtpeter.prepare.hosting}, and of L{smtpeter.prepare.image_hosting}."""

from base64 import encodebytes
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from typing_extensions import override

from smtpeter.boundaries.prepare import Prepared, Preparer
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.mime.wire import normalise_newlines
from smtpeter.model.image import HostedImage
from smtpeter.model.options import Features
from smtpeter.prepare import hosting
from smtpeter.prepare.hosting import Hosted, ImageHost, host_images
from smtpeter.prepare.image_hosting import HostingPreparer
from smtpeter.tracking.images import image_hash
from tests.mime.test_images import SAMPLES
from tests.mime.test_removal import HEAD, leaf, multipart
from tests.prepare.case import CompilerCase
from tests.prepare.rig import BASE, KEYS, MESSAGE, Inline, submission
from tests.support.preparer import FakePreparer

GIF, PNG = SAMPLES["image/gif"], SAMPLES["image/png"]
HOSTED = Features(images="hosted")
BOUNCES = Features(images="hosted", trackbounces=True)
HOST = ImageHost(keys=KEYS, base=BASE)


def url(octets: bytes, name: str) -> str:
    """Where an image is shown."""
    return f"{BASE}/images/{image_hash(KEYS, 1, octets)}/{name}"


def image(octets: bytes, cid: str, name: str = "", kind: str = "image/x", disposition: str = "inline") -> bytes:
    """A part."""
    named = f'; filename="{name}"' if name else ""
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{cid}>\r\n"
    head += f"Content-Disposition: {disposition}{named}\r\n\r\n"
    return head.encode() + normalise_newlines(encodebytes(octets)).rstrip()


def html(text: str, encoding: str = "8bit", charset: str = "utf-8") -> bytes:
    """A part."""
    head = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + text.encode()


def related(*parts: bytes) -> bytes:
    """A message."""
    return HEAD + multipart("related", "rel", *parts)


def hosted(content: bytes) -> Hosted:
    return host_images(content, 1, HOST)


def read(content: bytes) -> EmailMessage:
    """As others read it."""
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


class HostingTests(CompilerCase):
    """What becomes of embedded images."""

    def test_hosted(self) -> None:
        """An image that HTML shows is shown from the tracking host, and the message is its HTML."""
        content = related(html('<p>Grüße <img src="cid:logo@x" alt="x"></p>'), image(GIF, "logo@x", "Our Logo.gif"))
        done = hosted(content)
        self.assertEqual([(one.type, one.octets) for one in done.images], [("image/gif", GIF)])
        found = read(done.content)
        self.assertEqual(found.get_content_type(), "text/html")
        self.assertEqual(found.get_content(), f'<p>Grüße <img src="{url(GIF, "Our-Logo.gif")}" alt="x"></p>')
        self.assertEqual((found["from"], found["x-kind"], done.warnings), ("a@x.example", "related", ()))

    def test_everywhere(self) -> None:
        """Each way to name it is changed, under each transfer encoding, and every other byte stays."""
        text = (
            "<style>p { background: url(cid:a) }</style><body background=cid:a style='background: url(\"cid:b\")'>"
            "<img src='CID:a' srcset='cid:a 1x, cid:b 2x'><!--[if mso]><v:fill src=\"cid:b\"/><![endif]-->é  \t"
        )
        wanted = text.replace("CID:a", "cid:a").replace("cid:a", url(GIF, "a.gif")).replace("cid:b", url(PNG, "b.png"))
        alike = {
            "8bit": text.encode(),
            "quoted-printable": text.replace("=", "=3D").replace("é", "=C3=A9").encode().replace(b"\t", b"=09"),
            "base64": normalise_newlines(encodebytes(text.encode())),
        }
        for encoding, body in alike.items():
            page = html("", encoding) + body
            done = hosted(related(page, image(GIF, "a"), image(PNG, "b")))
            self.assertEqual(read(done.content).get_content(), wanted, encoding)
            self.assertEqual([one.octets for one in done.images], [GIF, PNG])

    def test_long_line(self) -> None:
        """An address that makes a line too long for mail gives the part another transfer encoding."""
        text = "x" * 960 + "<img src=cid:a>"
        for part in (html(text, "7bit"), leaf(text).replace(b"Content-Transfer-Encoding: 7bit\r\n", b"")):
            done = hosted(related(part, image(GIF, "a")))
            self.assertLess(max(map(len, done.content.split(b"\r\n"))), 999)
            self.assertEqual(read(done.content).get_content(), text.replace("cid:a", url(GIF, "a.gif")))

    def test_kept(self) -> None:
        """What no HTML shows, what is no raster image, and what cannot be decoded stays, with its multipart."""
        svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
        broken = image(GIF, "d").replace(b"R0lG", b"!!!!")
        text = "<img src=cid:a><img src=cid:c><img src=cid:d>"
        rest = (image(PNG, "b"), image(svg, "c", kind="image/png"), broken)
        done = hosted(related(html(text), image(GIF, "a"), *rest))
        self.assertEqual(done.content, related(html(text.replace("cid:a", url(GIF, "a.gif"), 1)), *rest))
        self.assertEqual(
            done.warnings,
            tuple(f"an embedded image stays in the message, since {hosting.NO_RASTER}: {cid}" for cid in "cd"),
        )

    def test_nothing_to_do(self) -> None:
        """A message in which nothing is shown keeps every byte."""
        for content in (
            related(html("<img src='https://x.example/a.gif'>"), image(GIF, "a")),
            related(html("<img src='cid:gone'>"), image(GIF, "a")),
            HEAD + html("<img src='cid:a'>"),
            HEAD + b"\r\ncid:a",
        ):
            self.assertEqual(hosted(content), Hosted(content=content))

    def test_named_elsewhere(self) -> None:
        """An image that is also named where nothing can be written stays, and is not changed anywhere."""
        page = html("<img src=cid:a><!-- cid:a -->")
        amp = leaf("<amp-img src=cid:a>", "text/x-amp-html")
        wide = b"Content-Type: text/html; charset=utf-16\r\n\r\n" + b"<\0i\0 \0c\0i\0d\0:\0a\0>\0"
        script, shown = html("<script>show('cid:a')</script>"), html("<img src=cid:a>")
        for parts in ((page,), (shown, amp), (shown, wide), (wide,), (script,)):
            content = related(*parts, image(GIF, "a"))
            done = hosted(content)
            said = f"an embedded image stays in the message, since {hosting.NAMED_ELSEWHERE}: a"
            self.assertEqual((done.content, done.images, done.warnings), (content, (), (said,)))

    def test_protected(self) -> None:
        """Signed and encrypted parts and attached messages stay as they are."""
        inner = multipart("related", "r", html("<img src=cid:a>"), image(GIF, "a"), epilogue=b"")
        for content in (
            HEAD + multipart("signed", "s", inner, leaf("x", "application/pgp-signature")),
            HEAD + multipart("encrypted", "s", leaf("x", "application/pgp-encrypted"), inner),
            HEAD + multipart("mixed", "m", leaf("x"), b"Content-Type: message/rfc822\r\n\r\n" + inner),
            HEAD + multipart("mixed", "m", html("<img src=cid:a>"), b"Content-Type: message/rfc822\r\n\r\n" + inner),
            HEAD + multipart("mixed", "m", html("<img src=cid:a>"), multipart("signed", "s", image(GIF, "a"))),
        ):
            self.assertEqual(hosted(content), Hosted(content=content))

    def test_shared(self) -> None:
        """An image that is there twice, or shown by two parts, is kept once; a second one of an id stays."""
        text = "<img src=cid:a><img src=cid:b>"
        inner = multipart("related", "r", html(text), image(GIF, "a"), image(GIF, "b"), image(PNG, "b"), epilogue=b"")
        done = hosted(HEAD + multipart("mixed", "m", inner, html("<img src=cid:a>")))
        self.assertEqual([one.octets for one in done.images], [GIF])
        kept = [part for part in read(done.content).walk() if part.get_content_maintype() == "image"]
        self.assertEqual([part.get_content() for part in kept], [PNG])
        pages = [part.get_content() for part in read(done.content).walk() if part.get_content_type() == "text/html"]
        self.assertEqual(len(pages), 2)
        self.assertNotIn("cid:", "".join(pages))

    def test_many(self) -> None:
        """Of very many images the last ones stay, and not every one is told of."""
        count = hosting.MAX_IMAGES + 30
        text = "".join(f"<img src=cid:i{number}>\r\n" for number in range(count))
        done = hosted(related(html(text), *(image(GIF + b"%d" % number, f"i{number}") for number in range(count))))
        self.assertEqual((len(done.images), len(done.warnings)), (hosting.MAX_IMAGES, 21))
        self.assertEqual(done.warnings[-1], "10 more embedded images stay")


@define
class Shelf:
    """
    Keeps images.

    @ivar failure: raised instead.
    """

    kept: list[tuple[int, HostedImage, float]] = field(factory=list)
    failure: Exception | None = None

    async def keep(self, account_id: int, images: Sequence[HostedImage], now: float) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept += [(account_id, image, now) for image in images]


class PreparingTests(CompilerCase):
    """Hosting in front of all that is done."""

    content = related(
        html("<style>p { background: url(cid:a) }</style><p><a href='cid:a'>x</a><a href='https://x.example/'>y</a>"),
        image(GIF, "a"),
    )

    @override
    def setUp(self) -> None:
        super().setUp()
        self.shelf, self.threads = Shelf(), Inline()

    def begin(self, content: bytes, features: Features = HOSTED, **others: Any) -> "Deferred[Prepared]":
        preparer: Preparer = HostingPreparer(
            preparer=self.rig.compiler(),
            host=HOST,
            shelf=self.shelf,
            threads=self.threads,
            seconds=self.rig.clock.seconds,
        )
        return Deferred.fromCoroutine(preparer.prepare(submission(content, features, **others)))

    @override
    def prepared(self, content: bytes, features: Features = HOSTED, **others: Any) -> Prepared:
        prepared: Prepared = self.successResultOf(self.begin(content, features, **others))
        return prepared

    def test_order(self) -> None:
        """Images are kept before anything can be sent; their addresses are inlined, and are no links to be tracked."""
        features = Features(images="hosted", inlinecss=True, trackclicks=True, trackopens=True)
        self.rig.clock.advance(77.0)
        page = read(self.sent(self.content, features)).get_content()
        self.assertEqual([(account, at) for account, _, at in self.shelf.kept], [(1, 77.0)])
        self.assertIn(f"<a style=\"color: #123456\" href='{url(GIF, 'a.gif')}'>x</a>", page)
        self.assertIn(f"href='{BASE}/", page)
        self.assertIn('.gif" width', page)
        self.assertIn(url(GIF, "a.gif"), self.rig.inliner.requests[0].style_sheets[0])

    def test_not_asked(self) -> None:
        """Images stay where nobody asks for it, and in notices of our own."""
        for features, source in ((Features(), "rest"), (HOSTED, "dsn")):
            sent = self.sent(self.content, features, source=source)
            self.assertIn(b"cid:a", sent)
            self.assertIn(b"Content-ID: <a>", sent)
        self.assertEqual(self.shelf.kept, [])

    def test_nothing_to_keep(self) -> None:
        """A message without images to host asks the store for nothing."""
        self.shelf.failure = StorageBusy("x")
        self.assertIn(b"\r\n\r\nHello", self.sent(HEAD + b"\r\nHello", HOSTED))

    def test_busy(self) -> None:
        """A message whose images cannot be stored now is not sent now."""
        self.shelf.failure = StorageBusy("x")
        self.failureResultOf(self.begin(self.content), StorageBusy)

    def test_large(self) -> None:
        """A large message is looked through in a thread."""
        self.prepared(self.content)
        self.assertEqual(self.threads.calls, 0)
        self.prepared(self.content.replace(b"--rel--", b"--rel\r\n\r\n" + b"x\r\n" * 30_000 + b"--rel--"))
        self.assertEqual((self.threads.calls, len(self.shelf.kept)), (1, 2))

    def test_warnings(self) -> None:
        """What stays is told with what else there is to say, and all else is as it was prepared."""
        content = related(html("<img src=cid:a>é"), image(b"<svg/>", "a"))
        plain, warned = self.prepared(content, Features(trackbounces=True)), self.prepared(content, BOUNCES)
        self.assertIn("no GIF", warned.warnings[0])
        for name in ("is_shared", "is_eightbit", "needs_utf8", "size_bytes"):
            self.assertEqual(getattr(warned, name), getattr(plain, name), name)
        self.assertEqual(warned.reverse_path(MESSAGE), plain.reverse_path(MESSAGE))
        for seven_bit in (True, False):
            both = [self.successResultOf(one.render(MESSAGE, seven_bit)) for one in (plain, warned)]
            self.assertEqual(*both)
        self.rig.inliner.fails = True
        styled = related(html("<style>p{}</style><p><img src=cid:a>"), image(b"<svg/>", "a"))
        said = self.prepared(styled, Features(images="hosted", inlinecss=True)).warnings
        self.assertEqual(len(said), 2)

    def test_fault(self) -> None:
        """A fault of ours costs the message its hosting and nothing else."""
        self.threads.is_broken = True
        content = self.content + b"x\r\n" * 30_000
        preparer = HostingPreparer(
            preparer=FakePreparer(), host=HOST, shelf=self.shelf, threads=self.threads, seconds=self.rig.clock.seconds
        )
        prepared = self.successResultOf(Deferred.fromCoroutine(preparer.prepare(submission(content, HOSTED))))
        self.assertEqual(prepared.warnings, ("embedded images stay in the message: they could not be processed",))
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(prepared.render(MESSAGE, False))), content)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
