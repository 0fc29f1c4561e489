"""
Text in header fields: read with RFC 2047 encoded words decoded, written folded and encoded.

Neither way can a value become a second field: what is read has no control character, what is written is cleaned.
"""

import re
from base64 import b64encode
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from itertools import groupby

_WORD = re.compile(r"=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^?\s]*)\?=")
_WORDS = re.compile(r"(?:=\?[A-Za-z0-9_.:-]{1,40}(?:\*[A-Za-z0-9-]*)?\?[BbQq]\?[^?\s]*\?=)+")
_GAP_OF_WORDS = re.compile(r"(?<=\?=)\s+(?==\?[A-Za-z0-9_.:*-]{1,60}\?[BbQq]\?[^?\s]*\?=)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_NAME = re.compile(r"[!-9;-~]+")

# Character sets only: codecs such as punycode or unicode_escape are no character sets, and some are slow.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(?:[bl]e)?|(?:us-)?ascii|iso-?8859-\d+|latin-?\d+|windows-\d+|cp\d+|koi8-[rut]"
    r"|gb2312|gbk|gb18030|big5(?:-?hkscs)?|shift[_-]?jis|euc-(?:jp|kr)|iso-2022-(?:jp|kr)(?:-\w+)?|tis-620",
    re.IGNORECASE,
)

_LINE = 78
_MAX_WORD = 900
_PIECE = 42
"""Octets of text in an encoded word: with C{=?utf-8?B?} and C{?=} 68 characters, under the limit of 75."""


def without_controls(text: str) -> str:
    """The text on one line: every run of control characters becomes a space."""
    return _CONTROL.sub(" ", text)


def decode_text(raw: bytes) -> str:
    """
    Read the value of an unstructured field, or a display name.

    @param raw: as written, perhaps folded and with octets over 127 (UTF-8, else taken for Latin-1).
    @return: one line, no control characters. What cannot be decoded stays as it was.
    """
    return without_controls(_decode(raw))


def hides_control(raw: bytes) -> bool:
    """Whether decoding brings out a control character, which ends a text early in some programs."""
    return _CONTROL.search(_decode(raw).replace("\t", " ")) is not None


def _decode(raw: bytes) -> str:
    unfolded = _FOLD.sub(b"", raw).strip()
    try:
        text = unfolded.decode()
    except UnicodeDecodeError:
        text = unfolded.decode("latin-1")
    return _WORDS.sub(_decode_run, _GAP_OF_WORDS.sub("", text)) if "=?" in text else text


def _decode_run(match: re.Match[str]) -> str:
    """Words that stand together: the octets of one character may be spread over several of one character set."""
    decoded: list[str] = []
    for charset, group in groupby(_WORD.finditer(match[0]), lambda word: word[1].lower()):
        words = list(group)
        octets = b"".join(_word_octets(word) for word in words)
        decoded.append(_decode_octets(octets, charset, words))
    return "".join(decoded)


def _word_octets(word: re.Match[str]) -> bytes:
    encoded = word[3].encode("utf-8")
    if word[2] in "Qq":
        return a2b_qp(encoded, header=True)
    try:
        return a2b_base64(encoded + b"==")
    except BinasciiError:
        return encoded


def _decode_octets(octets: bytes, charset: str, words: list[re.Match[str]]) -> str:
    if _CHARSET.fullmatch(charset) is not None:
        try:
            return octets.decode(charset, "replace")
        except (LookupError, UnicodeError):
            pass
    return " ".join(word[0] for word in words)


def write_field(name: str, text: str) -> bytes:
    """
    Write an unstructured field: folded at 78 characters, encoded (RFC 2047) where it is not ASCII.

    @param text: control characters become spaces.
    @return: the field with its line end.
    @raise ValueError: no field can have this name.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"no field can be called {name!r}")
    words = without_controls(text).split()
    if any(not word.isascii() or len(word) > _MAX_WORD or "=?" in word for word in words):
        words = encode_words(" ".join(words))
    return fold_field(name, words)


def fold_field(name: str, words: list[str]) -> bytes:
    """
    Write a field of words between which a line may be folded. Words are taken as they are.

    @return: the field with its line end, in UTF-8.
    """
    lines, line, has_words = [], f"{name}:", False
    for word in words:
        if has_words and len(line) + len(word) >= _LINE:
            lines.append(line)
            line, has_words = "", False
        line += f" {word}"
        has_words = has_words or bool(word)
    return "\r\n".join([*lines, line, ""]).encode()


def encode_words(text: str) -> list[str]:
    """A text as encoded words (RFC 2047, 5), each of which holds whole characters; its white space is kept."""
    words, piece = [], b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > _PIECE:
            words.append(piece)
            piece = b""
        piece += octets
    words.append(piece)
    return [f"=?utf-8?B?{b64encode(word).decode('ascii')}?=" for word in words]
