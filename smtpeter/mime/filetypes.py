"""Media types of files: read as clients give them, or told by a name's ending. The system's own table is not asked."""

import re

from smtpeter.mime.parameters import parse_value

UNKNOWN = "application/octet-stream"

MAX_TYPE = 255
"""Characters."""

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}")
_VALUE = re.compile(r"[ !#-\[\]-~]{1,128}")
_OURS = frozenset(("name", "boundary"))
_BY_ENDING = {
    "aac": "audio/aac",
    "bmp": "image/bmp",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eml": "message/rfc822",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


class TypeUnfit(ValueError):
    """No file can have this type; the message follows the value's name in a sentence."""


def type_by_name(name: str) -> str:
    """The type that the ending of a file's name tells, or L{UNKNOWN}."""
    return _BY_ENDING.get(name.rpartition(".")[2].lower(), UNKNOWN)


def read_type(text: str) -> tuple[str, dict[str, str]]:
    """
    Read a media type, perhaps with parameters (C{text/csv; charset=utf-8}).

    @return: the type in lower case, and its parameters without those that the message decides.
    @raise TypeUnfit: it is none, or that of a container.
    """
    value = text.partition(";")[0].strip(" \t").lower()
    _, parameters = parse_value(text[: MAX_TYPE + 1].encode())
    if len(text) > MAX_TYPE or _TYPE.fullmatch(value) is None:
        raise TypeUnfit("is no media type such as application/pdf")
    if value.startswith("multipart/"):
        raise TypeUnfit("is the type of a message's structure, not of a file")
    kept = {name: each for name, each in parameters.items() if name not in _OURS}
    if any(not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(each) or "=?" in each for name, each in kept.items()):
        raise TypeUnfit("has a parameter that cannot be read")
    return value, kept
