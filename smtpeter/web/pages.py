"""The few answers that a stranger's browser gets."""

from typing import Final

PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent GIF of one by one pixel."""

NOT_FOUND: Final = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Not found</title>"
    b"<h1>Not found</h1><p>This address leads nowhere.</p></html>\n"
)
"""The same for every address that is not ours: it tells nothing about what would have been."""
