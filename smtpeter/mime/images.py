"""Raster images, recognised by their first bytes, as browsers do (MIME Sniffing standard, 6.1)."""

import re

ENDINGS = {
    "image/gif": "gif",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/bmp": "bmp",
}
"""The usual ending of the name of each type."""

_TYPES = (
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBPVP", re.DOTALL)),
    ("image/avif", re.compile(rb".{4}ftypavi[fs]", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{4}\0\0\0\0.{3}\0[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)),
)
"""BMP has the size of the file, four reserved bytes, the place of the pixels, and a header of one of a few sizes."""


def image_type(octets: bytes) -> str | None:
    """The media type of a raster image; C{None} for everything else, drawings with scripts among it."""
    return next((name for name, pattern in _TYPES if pattern.match(octets)), None)
