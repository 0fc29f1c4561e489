"""Where the pixel of an HTML document goes, and what it looks like there."""

from collections.abc import Iterable

from smtpeter.mime.charsets import Charset
from smtpeter.prepare.references import encode_references
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.tokenizer import Tag
from smtpeter.tracking.tokens import Mark

_AFTER = b'" width="1" height="1" alt="" border="0" style="display:block;width:1px;height:1px;border:0">'
PIXEL_TAGS = frozenset((b"body", b"html"))


def pixel_splice(html: bytes, tags: Iterable[Tag], charset: Charset, mark: Mark, base: str) -> Splice:
    """
    The pixel, before the last end tag of C{body}, else of C{html}, else behind everything.

    @param tags: of the document, at least those with a name in C{PIXEL_TAGS}.
    @param mark: of the tracking host.
    @param base: the tracking base.
    """
    ends = {tag.name: tag.start for tag in tags if tag.is_end}
    position, before = ends.get(b"body", ends.get(b"html")), b""
    if position is None:
        position, before = len(html), charset.ascii_again(html)
    source = encode_references(base + mark.head)
    return Splice(
        start=position,
        end=position,
        pieces=(before + b'<img src="' + source, mark.seal, encode_references(mark.tail) + _AFTER),
    )
