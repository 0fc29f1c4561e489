"""
Encodings of DSN parameters: xtext (RFC 3461, 4) and the 7-bit form of international addresses (RFC 6533, 3).
"""

import re

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*")
_HEX = re.compile(rb"\+([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(rb"[^!-*,-<>-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_UNITEXT = re.compile(r"(?:[!-*,-<>-\[\]-~\u0080-\U0010ffff]|\\x\{[0-9A-Fa-f]{2,6}\})+")
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_EMBED = re.compile(r"[^!-*,-<>-\[\]-~]")
_EMBED_ASCII = re.compile(r"[\x00- +=\\\x7f]")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def encode_xtext(text: str) -> str:
    """Write text as xtext; characters beyond ASCII become the octets of their UTF-8."""
    return _UNSAFE.sub(lambda match: b"+%02X" % match[0][0], text.encode()).decode("ascii")


def decode_xtext(text: str) -> str:
    """
    Read xtext. Hexadecimal digits may be of either case.

    @raise ValueError: it is none, or it hides a control character or octets that are no UTF-8.
    """
    if _XTEXT.fullmatch(text) is None:
        raise ValueError("not in xtext form")
    decoded = _HEX.sub(lambda match: bytes((int(match[1], 16),)), text.encode("ascii")).decode()
    if _CONTROL.search(decoded):
        raise ValueError("a control character in xtext")
    return decoded


def encode_orcpt(orcpt: str, allow_utf8: bool = False) -> str:
    """
    Write an original recipient as the value of ORCPT or of a field in a report.

    @param orcpt: C{addr-type;address}, decoded.
    @param allow_utf8: whether characters beyond ASCII may stand as they are (SMTPUTF8, or a global report).
    """
    kind, _, address = orcpt.partition(";")
    if kind.lower() != "utf-8" and address.isascii():
        return f"{kind};{encode_xtext(address)}"
    unsafe = _EMBED_ASCII if allow_utf8 else _EMBED
    return "utf-8;" + unsafe.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def decode_orcpt(value: str) -> str:
    """
    Read the value of ORCPT.

    @return: C{addr-type;address} with the address decoded.
    @raise ValueError: it has no address type, no address, or a wrong encoding.
    """
    kind, semicolon, encoded = value.partition(";")
    if not semicolon or not encoded or _ADDRESS_TYPE.fullmatch(kind) is None:
        raise ValueError("an original recipient is written addr-type;address")
    if kind.lower() != "utf-8":
        return f"{kind};{decode_xtext(encoded)}"
    return f"{kind};{_decode_unitext(encoded)}"


def _decode_unitext(text: str) -> str:
    """RFC 6533, 3: C{\\x{HEX}} stands for a character that may not stand itself."""
    if _UNITEXT.fullmatch(text) is None:
        if "\\" in text:
            raise ValueError("a broken escape in an address")
        # Clients that know only RFC 3461 send xtext under any address type.
        return decode_xtext(text)
    decoded = _EMBEDDED.sub(_character, text)
    if _CONTROL.search(decoded):
        raise ValueError("a control character in an address")
    return decoded


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))  # Beyond Unicode this is a ValueError too.
    if "\ud800" <= character <= "\udfff":
        raise ValueError("no such character")
    return character
