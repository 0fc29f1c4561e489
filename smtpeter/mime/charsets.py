"""
The charsets in which an HTML part can be changed as bytes, with the codec that a browser takes for each.

In nearly all of them a byte of ASCII markup is never part of another character. ISO-2022-JP has such bytes between
escape sequences; they are masked. UTF-16, UTF-32, UTF-7, HZ and the like are not changed at all, and only read.
"""

import re

from attrs import frozen

# Browsers read the left as the right (Encoding standard, 4.2).
_CODECS = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "gb2312": "gbk",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "cp932": "cp932",
    "euc-jp": "euc_jp",
    "x-euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "koi8-ru": "koi8-u",
    "macintosh": "mac-roman",
}
_NUMBERED = re.compile(r"(?:windows-|cp)(125[0-8])|iso[-_]?8859-(\d{1,2})")
_UNREADABLE = re.compile(
    r"utf-?(?:16|32|7)|ucs-|csucs|iso-10646|unicode|hz|iso-2022-(?!jp\b)|(?:ibm|cp)-?(?:037|500|875|1026|1047|1140)|ebcdic"
)
_WIDE = re.compile(r"utf-?(16|32)-?([bl]e)?\Z")
_ESCAPED = re.compile(rb"\x1b\$[@B][^\x1b]*+|\x1b\$\([@D][^\x1b]*+|\x1b\(I[^\x1b]*+")


class Unreadable(Exception):
    """Markup cannot be found in this charset."""


@frozen(kw_only=True)
class Charset:
    """
    How the bytes of an HTML part are read.

    @ivar codec: what decodes it; C{None} when the name is unknown: only ASCII is understood then.
    """

    codec: str | None
    is_escaped: bool = False

    def markup(self, html: bytes) -> bytes:
        """A copy of the same length in which all that looks like markup is markup."""
        if not self.is_escaped:
            return html
        return _ESCAPED.sub(lambda found: b"x" * len(found.group()), html)

    def decode(self, raw: bytes) -> str | None:
        """A piece of the document; C{None} when it cannot be told what it says."""
        if raw.isascii() and not (self.is_escaped and b"\x1b" in raw):
            return raw.decode("ascii")
        if self.codec is None or self.is_escaped:
            return None
        try:
            return raw.decode(self.codec)
        except UnicodeDecodeError:
            return None

    def text(self, raw: bytes) -> str:
        """A piece of the document for reading, whatever it takes."""
        return raw.decode(self.codec or "ascii", "replace")

    def ascii_again(self, html: bytes) -> bytes:
        """What must be written at the end of the document before ASCII can follow."""
        last = html.rfind(b"\x1b") if self.is_escaped else -1
        return b"" if last < 0 or html[last + 1 : last + 3] in (b"(B", b"(J") else b"\x1b(B"


def find_charset(name: str) -> Charset:
    """
    The charset of a part.

    @param name: the parameter of Content-Type; empty when there is none.
    @raise Unreadable: leave the part alone.
    """
    label = name.strip().strip("\"'").lower()
    if label.startswith(("iso-2022-jp", "_iso-2022-jp")):
        return Charset(codec="iso2022_jp", is_escaped=True)
    if _UNREADABLE.match(label):
        raise Unreadable(label[:40])
    if label in _CODECS:
        return Charset(codec=_CODECS[label])
    found = _NUMBERED.fullmatch(label)
    if found is None:
        return Charset(codec=None)
    return Charset(codec=f"cp{found[1]}" if found[1] else _iso_8859(int(found[2])))


def _iso_8859(number: int) -> str | None:
    return f"iso8859-{number}" if number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16) else None


def decode_text_body(octets: bytes, name: str) -> str:
    """
    A text for reading, whatever it takes: as its charset says or as UTF-8, else with marks for what cannot be read.

    @param name: the parameter of Content-Type; empty when there is none.
    """
    codec = _codec(name)
    for each in (codec or "utf-8", "utf-8"):
        try:
            return octets.decode(each).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return octets.decode(codec or "cp1252", "replace")


def _codec(name: str) -> str:
    """The codec for a charset; empty when none is given, or one that is not known."""
    try:
        return (find_charset(name).codec or "") if name else ""
    except Unreadable:
        match = _WIDE.match(name.strip().lower())
        return f"utf-{match[1]}{match[2] or ''}" if match else ""
