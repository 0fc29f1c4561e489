"""The whole way of a document through numbering, engine and splices, without a process."""

from smtpeter.boundaries.prepare import InlineResult
from smtpeter.prepare.engine import Engine
from smtpeter.prepare.numbering import number_elements
from smtpeter.prepare.splices import in_order, spliced
from smtpeter.prepare.styles import style_splices
from smtpeter.prepare.tokenizer import outline


def inline_bytes(html: bytes, codec: str | None = "utf-8", engine: Engine | None = None) -> tuple[bytes, InlineResult]:
    """Inline a document that has style sheets; the result says what the engine found."""
    numbered = number_elements(html, outline(html, ()), codec)
    assert numbered is not None
    result = (engine or Engine()).inline(numbered.request)
    pieces = spliced(html, in_order(style_splices(numbered, result), len(html)))
    return b"".join(piece for piece in pieces if isinstance(piece, bytes)), result


def inlined(html: str) -> str:
    """Inline a document in UTF-8."""
    return inline_bytes(html.encode())[0].decode()


def page(css: str, body: str) -> str:
    """A document with one style sheet."""
    return f"<html><head><style>{css}</style></head><body>{body}</body></html>"
