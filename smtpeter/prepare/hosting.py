"""
Takes embedded images out of a message, and lets its HTML show them from the tracking host.

An image goes when it is a raster image, when HTML of the message names it, and when all that names it can be changed.
Everything else stays as it was; the sender is told which images that are named stay, and why.
"""

from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from smtpeter.mime.contents import content_id
from smtpeter.mime.document import KNOWN_ENCODINGS, Part, editable_html_parts
from smtpeter.mime.images import ENDINGS, image_type
from smtpeter.mime.removal import NewBody, rebuild
from smtpeter.mime.scanner import TooDeep, scan
from smtpeter.mime.transfer import decode_leniently
from smtpeter.model.image import HostedImage
from smtpeter.model.keys import MacKeys
from smtpeter.prepare.html_part import HTMLPart, PartLeft, read_html_part
from smtpeter.prepare.image_places import Named, find_named, mentioned
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.transfer import Segment, Undecodable, change_body, read_body
from smtpeter.tracking.images import image_hash, image_path

MAX_IMAGES = 200
"""Of a message; further ones stay."""

NO_RASTER = "it is no GIF, PNG, JPEG, WebP, AVIF or BMP"
NAMED_ELSEWHERE = "it is named where no other address can be written"
TOO_MANY = f"the message has over {MAX_IMAGES}"

_MAX_WARNINGS = 20
_SHOWN = 60


@frozen(kw_only=True)
class ImageHost:
    """
    Where images are shown from.

    @ivar base: the tracking base, without a slash at its end.
    """

    keys: MacKeys
    base: str


@frozen(kw_only=True)
class Hosted:
    """
    A message without its images.

    @ivar content: as it came when there are none.
    @ivar images: what has to be kept before it is sent.
    @ivar warnings: in words for the sender.
    """

    content: bytes = field(repr=False)
    images: tuple[HostedImage, ...] = ()
    warnings: tuple[str, ...] = ()


def host_images(content: bytes, account_id: int, host: ImageHost) -> Hosted:
    """Take the images out that can be. Signed and encrypted parts, and attached messages, are not looked into."""
    try:
        root = scan(content)
    except TooDeep:
        return Hosted(content=content)
    found = _Found(content=content, account_id=account_id, host=host)
    found.look_at(root)
    return found.hosted(root)


@frozen(kw_only=True)
class _Image:
    part: Part
    kept: HostedImage
    url: bytes


@define(eq=False, kw_only=True)
class _Found:
    """What there is in a message."""

    content: bytes
    account_id: int
    host: ImageHost
    pages: list[tuple[Part, HTMLPart, Named]] = field(init=False, factory=list)
    elsewhere: set[str] = field(init=False, factory=set)
    candidates: dict[str, Part] = field(init=False, factory=dict)
    warnings: list[str] = field(init=False, factory=list)

    def look_at(self, root: Part) -> None:
        """Find documents and what they may show."""
        editable = {part.start for part in editable_html_parts(root)}
        for part in root.walk():
            if part.children or part.is_attached or part.is_multipart:
                continue
            if part.start not in editable or not self._add_page(part):
                self._add_other(part, root)

    def _add_page(self, part: Part) -> bool:
        try:
            page = read_html_part(self.content, part)
        except PartLeft:
            return False
        self.pages.append((part, page, find_named(page.charset.markup(page.html))))
        return True

    def _add_other(self, part: Part, root: Part) -> None:
        if part.content_type.startswith("text/") and part.content_type != "text/plain":
            self.elsewhere |= mentioned(decode_leniently(self.content[part.body_start : part.end], part.encoding))
        elif part is not root and not part.is_protected and part.encoding in KNOWN_ENCODINGS:
            cid = content_id(self.content, part)
            if cid:
                self.candidates.setdefault(cid, part)

    def hosted(self, root: Part) -> Hosted:
        """The message without what can be shown from elsewhere."""
        for _, _, named in self.pages:
            self.elsewhere |= named.elsewhere
        images = dict(self._images())
        if not images:
            return Hosted(content=self.content, warnings=self._said())
        replaced = {part.start: new for part, page, named in self.pages if (new := _changed(page, named, images))}
        removed = {image.part.start for image in images.values()}
        kept = {image.kept.hash: image.kept for image in images.values()}
        return Hosted(
            content=rebuild(self.content, root, removed, replaced), images=tuple(kept.values()), warnings=self._said()
        )

    def _images(self) -> Iterator[tuple[str, _Image]]:
        """Those that go, by content id, in the order in which they are named."""
        named = dict.fromkeys(cid for _, _, one in self.pages for _, _, cid in one.places)
        count = 0
        for cid in named:
            part = self.candidates.get(cid)
            if part is None:
                continue
            image = self._image(part, cid)
            reason = TOO_MANY if count >= MAX_IMAGES else NAMED_ELSEWHERE if cid in self.elsewhere else NO_RASTER
            if image is None or reason is not NO_RASTER:
                self._warn(reason, cid)
                continue
            count += 1
            yield cid, image
        self._warn_of_others(set(named))

    def _warn_of_others(self, named: set[str]) -> None:
        """Of images that are named only where nothing can be changed."""
        for cid in sorted(self.elsewhere - named):
            part = self.candidates.get(cid)
            if part is not None and self._image(part, cid) is not None:
                self._warn(NAMED_ELSEWHERE, cid)

    def _warn(self, reason: str, cid: str) -> None:
        self.warnings.append(f"an embedded image stays in the message, since {reason}: {cid[:_SHOWN]}")

    def _image(self, part: Part, cid: str) -> _Image | None:
        """C{None} for what is none that is hosted."""
        try:
            octets = read_body(self.content[part.body_start : part.end], part.encoding).decoded
        except Undecodable:
            return None
        type = image_type(octets)
        if type is None:
            return None
        hash = image_hash(self.host.keys, self.account_id, octets)
        path = image_path(hash, part.filename or cid.partition("@")[0], ENDINGS[type])
        url = (self.host.base + path).encode("ascii")
        return _Image(part=part, kept=HostedImage(hash=hash, type=type, octets=octets), url=url)

    def _said(self) -> tuple[str, ...]:
        more = len(self.warnings) - _MAX_WARNINGS
        return (*self.warnings[:_MAX_WARNINGS], *([f"{more} more embedded images stay"] if more > 0 else []))


def _changed(page: HTMLPart, named: Named, images: dict[str, _Image]) -> NewBody | None:
    splices = [Splice(start, end, (images[cid].url,)) for start, end, cid in named.places if cid in images]
    if not splices:
        return None
    segments, encoding = change_body(page.body, splices)
    return NewBody(body=_written(segments), encoding=encoding)


def _written(segments: Iterable[Segment]) -> bytes:
    """Segments that hold no tokens."""
    return b"".join([segment if isinstance(segment, bytes) else segment.write(b"") for segment in segments])
