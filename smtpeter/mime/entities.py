"""
The parts of a composed message (RFC 2045, RFC 2046): a text, a file, or several parts in a container.

Transfer encodings: text that any server lets through stands as it is; other text is quoted-printable, or base64 where
more than a third of it had to be quoted; files are base64. Names of files are written twice, as RFC 2231 and as most
programs did before it.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal
from urllib.parse import quote

from attrs import field, frozen

from smtpeter.mime.filetypes import UNKNOWN
from smtpeter.mime.limits import is_flat
from smtpeter.mime.transfer import encode_base64, encode_quoted_printable
from smtpeter.mime.wire import MAX_LINE, has_long_line, normalise_newlines
from smtpeter.mime.words import encode_words, fold_field

_SHORT_LINE = 78
_PLAIN_NAME = re.compile(r"[ !#$&'()+,\-./0-9:;=?@A-Z\[\]^_`a-z{|}~]{1,60}")
_UNFIT_FOR_TEXT = re.compile(rb"[^\t\r\n -~]")
_ASCII = bytes(range(128))
_SECTION = 50
_UNQUOTED = "!#$&+-.^_`|~"
"""What may stand as it is in an encoded parameter (RFC 2231, 7), beside letters and digits."""

TextSubtype = Literal["plain", "html"]
Container = Literal["mixed", "alternative", "related"]


@frozen(kw_only=True)
class Entity:
    """
    A part, ready to be sent.

    @ivar head: its fields, each with its line end.
    @ivar pieces: its body, in pieces, without the line end that belongs to a delimiter.
    """

    head: bytes
    pieces: tuple[bytes, ...] = field(repr=False)


def text_entity(subtype: TextSubtype, text: str) -> Entity:
    """
    A text in UTF-8.

    @param text: with any line ends, without surrogates.
    """
    body = normalise_newlines(text.encode())
    encoding, encoded = _encode_text(body)
    head = fold_field("Content-Type", [f"text/{subtype};", "charset=utf-8"])
    return Entity(head=head + _encoding_field(encoding), pieces=(encoded,))


def _encode_text(body: bytes) -> tuple[str, bytes]:
    if not _UNFIT_FOR_TEXT.search(body) and not has_long_line(body, _SHORT_LINE):
        return "7bit", body
    if len(body.translate(None, _ASCII)) * 3 > len(body):
        return "base64", encode_base64(body)
    return "quoted-printable", encode_quoted_printable(body)


def file_entity(data: bytes, name: str, media_type: str, parameters: dict[str, str], cid: str = "") -> Entity:
    """
    A file.

    @param name: without control characters; may be empty.
    @param media_type: in lower case. Messages keep it only if they can stand as they are, since a transfer encoding is
        not allowed for them (RFC 2046, 5.2.1).
    @param parameters: tokens, and values without quotes and backslashes.
    @param cid: the content id of an embedded file.
    """
    encoding = "base64"
    if media_type.startswith("message/"):
        data = normalise_newlines(data)
        if media_type == "message/rfc822" and _is_plain_message(data):
            encoding = "7bit"
        else:
            media_type, parameters = UNKNOWN, {}
    words = [media_type, *(f'{key}="{value}"' for key, value in parameters.items()), *_old_name(name)]
    head = _parameter_field("Content-Type", words) + _encoding_field(encoding)
    head += _parameter_field("Content-Disposition", ["inline" if cid else "attachment", *_name(name)])
    if cid:
        head += fold_field("Content-ID", [f"<{cid}>"])
    return Entity(head=head, pieces=(data if encoding == "7bit" else encode_base64(data),))


def _is_plain_message(data: bytes) -> bool:
    return data.isascii() and b"\0" not in data and not has_long_line(data, MAX_LINE) and is_flat(data)


def container_entity(kind: Container, parts: Sequence[Entity], chance: bytes) -> Entity:
    """
    Several parts as one.

    @param chance: what nobody can foretell; the boundary is made of it, and of a number until no part contains it.
    """
    boundary = _boundary(kind, parts, chance)
    words = [f"multipart/{kind};", f'boundary="{boundary.decode("ascii")}"']
    if kind == "related":
        words.insert(1, 'type="text/html";')
    pieces: list[bytes] = []
    for part in parts:
        pieces += [b"\r\n--" if pieces else b"--", boundary, b"\r\n", part.head, b"\r\n", *part.pieces]
    return Entity(head=fold_field("Content-Type", words), pieces=(*pieces, b"\r\n--", boundary, b"--"))


def _boundary(kind: Container, parts: Sequence[Entity], chance: bytes) -> bytes:
    """The kind in it keeps a boundary from being the beginning of another. C{=_} is in no encoded body."""
    number = 0
    while True:
        seed = b"%s %d %s" % (kind.encode(), number, chance)
        boundary = b"=_%s_%s" % (kind[:3].encode(), blake2b(seed, digest_size=15).hexdigest().encode())
        if not any(boundary in piece for part in parts for piece in (part.head, *part.pieces)):
            return boundary
        number += 1


def _encoding_field(encoding: str) -> bytes:
    return fold_field("Content-Transfer-Encoding", [encoding])


def _parameter_field(name: str, words: Sequence[str]) -> bytes:
    return fold_field(name, [*(f"{word};" for word in words[:-1]), words[-1]])


def _old_name(name: str) -> list[str]:
    """C{name} of the type, with encoded words in quotes: no standard, and read by all programs that know no other."""
    if not name:
        return []
    if _is_plain(name):
        return [f'name="{name}"']
    return ['name="' + "\r\n ".join(encode_words(name)) + '"']


def _name(name: str) -> list[str]:
    """C{filename} of the disposition; encoded and divided into sections (RFC 2231) where it must be."""
    if not name:
        return []
    if _is_plain(name):
        return [f'filename="{name}"']
    sections, section = [], "utf-8''"
    for character in name:
        encoded = quote(character, safe=_UNQUOTED)
        if len(section) + len(encoded) > _SECTION:
            sections.append(section)
            section = ""
        section += encoded
    if not sections:
        return [f"filename*={section}"]
    return [f"filename*{number}*={text}" for number, text in enumerate([*sections, section])]


def _is_plain(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None and "=?" not in name and name == name.strip()
