"""
Whose domain a From field shows (RFC 5322, 3.4 and 3.6.2).

An account may send from its approved domains only, so nobody may make a reader's program show another domain than the
one found here. Programs differ in how they read what is not quite regular. Therefore exactly one field with exactly
one regular mailbox is accepted. What two programs could read in two ways is refused, with the reason in words: lists,
groups, source routes, white space or comments inside an address, angle brackets in a comment, encoded words in an
address, control characters and invisible ones, domains which older rules map to other domains.
"""

import re
import unicodedata

import idna

from smtpeter.mime.headers import HeaderBlock
from smtpeter.mime.words import hides_control
from smtpeter.model.address import AddressError, lookup_domain, parse_address

MAX_FROM = 2048
"""Octets of a From field's value; a longer one is refused unread."""

_INVISIBLE = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-.\u0080-\U0010ffff]+"
_TOKEN = re.compile(
    rf"(?P<quoted>{_QUOTED})|(?P<atom>{_ATOM})|(?P<space>[ \t]+)|(?P<literal>\[[^\[\]\\\s]*\])|(?P<other>.)"
)
_PLAIN = re.compile(
    rb"(?:(?:[A-Za-z0-9_-]+(?: [A-Za-z0-9_-]+)* |\"[A-Za-z0-9 .,'&!_-]*\" )?(?P<bracket><))?"
    rb"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@"
    rb"(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.)+[A-Za-z]{2,20})(?(bracket)>)"
)
"""Most values of From: no other reading of these is possible."""

_MAX_PLAIN = 128
_MAX_PLAIN_LOCAL = 64
_COMMENT_STEP = re.compile(r"\\.|[()<>]")
_OTHER_DOT = re.compile(r"[\u3002\uff0e\uff61]")
_SPECIAL = re.compile(r'[\s<>@,;:"()\[\]\\]')

_Token = tuple[str, str]
"""What it is and its text; a comment is a space."""


class FromError(ValueError):
    """From shows no single, certain address; the message says why, for a person."""


def sender_domain(headers: HeaderBlock) -> str:
    """
    The domain of the From address as A-labels in lower case, or an address literal.

    @raise FromError: there is no such address, or more than one, or it could be read in two ways.
    """
    return lookup_domain(sender_address(headers).rpartition("@")[2])


def sender_address(headers: HeaderBlock) -> str:
    """
    The one address in From, its domain in lower case.

    @raise FromError: as L{sender_domain}.
    """
    fields = headers.named("From")
    if not fields:
        raise FromError("the message has no From")
    if len(fields) > 1:
        raise FromError(f"the message has {len(fields)} From fields where one is allowed")
    raw = fields[0].value
    plain = _PLAIN.fullmatch(raw) if len(raw) <= _MAX_PLAIN else None
    if plain is not None and len(plain["local"]) <= _MAX_PLAIN_LOCAL:
        return f"{plain['local'].decode('ascii')}@{plain['domain'].decode('ascii').lower()}"
    return read_mailbox(raw)


def read_mailbox(raw: bytes) -> str:
    """
    The address in a value of From, however it is written.

    @raise FromError: as L{sender_domain}.
    """
    if len(raw) > MAX_FROM:
        raise FromError(f"From is longer than {MAX_FROM} octets")
    text, is_utf8 = _decode(raw)
    if hides_control(text.encode()) or _INVISIBLE.search(text):
        raise FromError("From contains a control character or an invisible one")
    address = _checked(_pick_address(_tokens(text)))
    if not is_utf8 and not address.isascii():
        raise FromError("the address in From is neither ASCII nor UTF-8")
    return address


def _decode(raw: bytes) -> tuple[str, bool]:
    """
    Old programs write names in other character sets than UTF-8, which do no harm. With a backslash they might: it can
    be half of a character, and then the quote behind it ends a string.
    """
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        if b"\\" in raw:
            raise FromError("From is neither ASCII nor UTF-8") from None
        return raw.decode("cp1252", "replace"), False


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        kind, value = str(match.lastgroup), match[0]
        position = match.end()
        if value == "(":
            kind, position = "comment", _comment_end(text, position)
        tokens.append((kind, value))
    return tokens


def _comment_end(text: str, position: int) -> int:
    """Comments nest (RFC 5322, 3.2.2)."""
    depth = 1
    for match in _COMMENT_STEP.finditer(text, position):
        if match[0] in "<>":
            raise FromError("a comment in From contains an angle bracket")
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    raise FromError("a comment in From has no end")


def _pick_address(tokens: list[_Token]) -> str:
    others = [value for kind, value in tokens if kind == "other"]
    if ":" in others and "@" not in others[: others.index(":")]:
        raise FromError("From contains a group where one address is allowed")
    if "," in others or others.count("<") > 1:
        raise FromError("From contains more than one mailbox, or a comma outside of quotes")
    if "<" not in others:
        return _join(tokens)
    opening = tokens.index(("other", "<"))
    if any(kind in ("other", "literal") for kind, _ in tokens[:opening]):
        raise FromError("the name in From contains a character that must stand in quotes")
    if ("other", ">") not in tokens:
        raise FromError("the address in From is not closed by >")
    closing = tokens.index(("other", ">"))
    if _trimmed(tokens[closing + 1 :]):
        raise FromError("From contains something behind the address")
    return _join(tokens[opening + 1 : closing])


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    kept = [index for index, (kind, _) in enumerate(tokens) if kind not in ("space", "comment")]
    return tokens[kept[0] : kept[-1] + 1] if kept else []


def _join(tokens: list[_Token]) -> str:
    inner = _trimmed(tokens)
    if inner[:1] == [("other", "@")]:
        raise FromError("the address in From has a source route or nothing before the @")
    if ("other", "@") not in inner:
        raise FromError("From contains no address with a domain")
    if any(kind in ("space", "comment") for kind, _ in inner):
        raise FromError("the address in From contains white space or a comment")
    return "".join(value for _, value in inner)


def _checked(text: str) -> str:
    try:
        address = parse_address(text)
    except AddressError as error:
        raise FromError(f"From cannot be read: {error}") from None
    local, _, domain = address.rpartition("@")
    if "=?" in local:
        raise FromError("the address in From contains an encoded word")
    if _has_disguise(local):
        raise FromError("the address in From contains a character that looks like punctuation")
    if not domain.isascii() and not _is_plain_idn(domain):
        raise FromError(f"From cannot be read: {domain} is not a valid international domain name")
    return address


def _has_disguise(local: str) -> bool:
    beyond = "".join(character for character in local if not character.isascii())
    return _SPECIAL.search(unicodedata.normalize("NFKC", beyond)) is not None


def _is_plain_idn(domain: str) -> bool:
    """Whether the domain that is shown is the domain that is looked up, and not one that is only mapped to it."""
    if _OTHER_DOT.search(domain):
        return False
    try:
        # The stock codec maps by the rules of 2003, as programs still do that show or look up a domain.
        return idna.encode(domain) == domain.encode("idna").lower() == lookup_domain(domain).encode()
    except (idna.IDNAError, UnicodeError):
        return False
