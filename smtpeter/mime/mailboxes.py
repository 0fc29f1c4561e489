"""
Lists of header addresses with display names (RFC 5322, 3.4), as people and programs write them, read and written.

Read leniently where there is one meaning: names need no quotes, not even around a comma (C{Doe, Joe <joe@x.example>}).
Everything else is refused with its reason. What is written is regular: domains as A-labels, so that no server on the
way needs SMTPUTF8 for them; names as encoded words where they are not ASCII.
"""

import re
from collections.abc import Iterable

from attrs import define, field, frozen

from smtpeter.mime.faults import shown
from smtpeter.mime.words import encode_words, fold_field
from smtpeter.model.address import AddressError, lookup_domain, parse_address

_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)(?P<closed>"?)|<(?P<angle>[^<>]*+)(?P<end>>?)|(?P<comma>,)|(?P<text>[^",<]++)'
)
_ESCAPE = re.compile(r"\\(.)")
_SPACES = re.compile(r"[ \t]+")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,60}"
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_SPECIAL = re.compile(r'["\\]')

_MAX_QUOTED = 60
MAX_NAME = 1000
"""Characters of a name, or of what stands in place of an address."""


@frozen
class Mailbox:
    """An address and the name that is shown with it."""

    name: str
    """Empty when there is none."""
    address: str
    """Its domain in A-labels."""


def read_mailboxes(text: str) -> tuple[list[Mailbox], list[str]]:
    """
    Read a list that is divided by commas.

    @param text: one line, without control characters but tabs.
    @return: what is in it, and what cannot be read, in words that follow the value's name in a sentence.
    """
    reading = _Reading()
    for match in _TOKEN.finditer(text):
        if not reading.read(match):
            return reading.found, reading.problems
    reading.finish()
    return reading.found, reading.problems


def read_address(text: str) -> str:
    """
    Check a pure address as headers show it.

    @return: the address, its domain as A-labels.
    @raise AddressError: it is none; the message follows the words C{is no address:}.
    """
    local, _, domain = parse_address(text).rpartition("@")
    if "=?" in local:
        raise AddressError("it contains an encoded word")
    return f"{local}@{lookup_domain(domain)}"


def write_mailboxes(name: str, mailboxes: Iterable[Mailbox]) -> bytes:
    """The field of that name, folded, with its line end."""
    words: list[str] = []
    for mailbox in mailboxes:
        if words:
            words[-1] += ","
        words += [*_phrase(mailbox.name), f"<{mailbox.address}>"] if mailbox.name else [mailbox.address]
    return fold_field(name, words)


def _phrase(name: str) -> list[str]:
    if "=?" not in name:
        if _ATOMS.fullmatch(name):
            return name.split(" ")
        if name.isascii() and len(name) <= _MAX_QUOTED:
            return ['"' + _SPECIAL.sub(r"\\\g<0>", name) + '"']
    return encode_words(name)


@define(eq=False)
class _Reading:
    """Collects from token to token."""

    found: list[Mailbox] = field(init=False, factory=list)
    problems: list[str] = field(init=False, factory=list)
    _raw: str = field(init=False, default="")
    """What stands in front of angle brackets, as written: a name, or all of a pure address."""
    _bare: str = field(init=False, default="")
    """The same without what is in quotes."""
    _name: str = field(init=False, default="")
    """The same as it is shown."""
    _address: str | None = field(init=False, default=None)
    """What stands in angle brackets."""
    _is_odd: bool = field(init=False, default=False)
    """Whether something follows the address."""

    def read(self, match: re.Match[str]) -> bool:
        """Take a token; false when the rest cannot be divided any more."""
        if match["comma"]:
            self._read_comma()
        elif match["angle"] is not None:
            return self._read_angle(match)
        elif self._address is not None:
            self._is_odd = self._is_odd or bool(match[0].strip(" \t"))
        elif match["quoted"] is None:
            self._add(match[0], match[0], _SPACES.sub(" ", match[0]))
        elif not match["closed"]:
            return self._give_up("contains a quote that is not closed")
        else:
            self._add(match[0], "", _ESCAPE.sub(r"\1", match["quoted"]))
        return len(self._raw) <= MAX_NAME or self._give_up(f"contains a name longer than {MAX_NAME} characters")

    def _give_up(self, problem: str) -> bool:
        self.problems.append(problem)
        return False

    def finish(self) -> None:
        """The list is over, or an address in it."""
        raw = self._raw.strip(" \t")
        try:
            if self._address is not None:
                self._finish_angle(self._address.strip(" \t"))
            elif raw:
                self.found.append(Mailbox("", read_address(raw)))
        except AddressError as error:
            self.problems.append(f"contains {shown(self._address or raw)}, which is no address: {error}")
        self._raw = self._bare = self._name = ""
        self._address, self._is_odd = None, False

    def _finish_angle(self, address: str) -> None:
        if self._is_odd:
            self.problems.append(f"contains something behind the address {shown(address)}")
        elif ">" in self._bare:
            self.problems.append(f"contains > in front of the address {shown(address)}")
        else:
            self.found.append(Mailbox(self._name.replace("\t", " ").strip(" "), read_address(address)))

    def _read_comma(self) -> None:
        """It divides, unless what is in front of it can only be part of a name."""
        if self._address is None and self._raw.strip(" \t") and "@" not in self._bare:
            self._add(",", ",", ",")
        else:
            self.finish()

    def _read_angle(self, match: re.Match[str]) -> bool:
        if not match["end"]:
            return self._give_up("contains < without >")
        if self._address is None:
            self._address = match["angle"]
        else:
            self._is_odd = True
        return True

    def _add(self, raw: str, bare: str, name: str) -> None:
        self._raw += raw
        self._bare += bare
        self._name += name
