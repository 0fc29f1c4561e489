"""The whole way of a document through numbering, engine and splices, without a process."""

from smtpeter.boundaries.prepare import InlineResult
from smtpeter.prepare.engines import InlineEngine
from smtpeter.prepare.numbering import NOT_NUMBERED, number_elements
from smtpeter.prepare.splices import in_order, spliced
from smtpeter.prepare.styles import style_splices
from smtpeter.prepare.tokenizer import Outlined, outline

NUMBERED = Outlined(left_out=NOT_NUMBERED)


def inline_bytes(html: bytes, codec: str | None, engine: InlineEngine) -> tuple[bytes, InlineResult]:
    """Inline a document that has style sheets; the result says what the engine found."""
    numbered = number_elements(html, outline(html, NUMBERED), codec)
    assert numbered is not None
    result = engine.inline(numbered.request)
    pieces = spliced(html, in_order(style_splices(numbered, result), len(html)))
    return b"".join(piece for piece in pieces if isinstance(piece, bytes)), result


def page(css: str, body: str) -> str:
    """A document with one style sheet."""
    return f"<html><head><style>{css}</style></head><body>{body}</body></html>"
