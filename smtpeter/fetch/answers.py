"""Judges the head of an HTTP answer before its body is read (pure)."""

import re

from attrs import frozen

from smtpeter.boundaries.fetch import FetchFailed, FetchTooLarge

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MEDIA_TYPE = re.compile(r"([A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127})[ \t]*(?:;(.*))?")
"""RFC 6838, 4.2."""
_VALUE = "[A-Za-z0-9_.:+-]+"
_CHARSET = re.compile(rf'(?:^|;)[ \t]*charset[ \t]*=[ \t]*(?:"({_VALUE})"|({_VALUE}))[ \t]*(?:;|$)', re.ASCII | re.I)


@frozen(kw_only=True)
class Head:
    """What an answer says before its body."""

    host: str
    """Who says it."""
    status: int
    location: str | None = None
    """Where a redirect leads."""
    encoding: str = ""
    """C{Content-Encoding}."""
    type: str = ""
    """C{Content-Type}."""
    length: int | None = None
    """Octets of the body, when it is told beforehand."""

    @property
    def redirect(self) -> str | None:
        """Where to ask instead."""
        return self.location if self.status in _REDIRECTS else None

    @property
    def is_encoded(self) -> bool:
        """Whether the body is compressed: not asked for, and how large it becomes could not be known."""
        return self.encoding.strip().lower() not in ("", "identity")


def check_success(head: Head) -> None:
    """
    Take success only.

    @raise FetchFailed: the status is another.
    """
    if not 200 <= head.status <= 299:
        raise FetchFailed(f"{head.host} answered with the status {head.status}")


def check_body(head: Head, size_limit: int) -> None:
    """
    Whether the body can be used.

    @raise FetchFailed: it is compressed.
    @raise FetchTooLarge: it says that it is longer than it may be.
    """
    if head.is_encoded:
        raise FetchFailed(f"{head.host} answered with a content encoding that was not asked for")
    if head.length is not None and head.length > size_limit:
        raise too_large(head.host, size_limit)


def too_large(host: str, size_limit: int) -> FetchTooLarge:
    """What to say of a body that is longer than it may be."""
    return FetchTooLarge(f"the answer of {host} is larger than {size_limit} bytes")


def media_type(text: str) -> tuple[str, str]:
    """The media type and its charset in lower case, from a C{Content-Type}; empty where there is none that can be."""
    found = _MEDIA_TYPE.fullmatch(text.strip(" \t"))
    if found is None:
        return "", ""
    charset = _CHARSET.search(found[2] or "")
    return found[1].lower(), (charset[1] or charset[2]).lower() if charset else ""
