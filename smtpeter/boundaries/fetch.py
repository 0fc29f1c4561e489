"""What doors and stages ask of the HTTP client: something from an address that a stranger has named."""

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen


class FetchError(Exception):
    """
    Nothing was fetched.

    Its text is one sentence part for whoever named the address: it tells no IP address, nothing of the inside of the
    network, and nothing that the other server said but its status.
    """


class FetchRefused(FetchError):
    """The address is one that is not asked: its form, its port, or where its host name leads."""


class FetchFailed(FetchError):
    """It could not be reached, or the answer is of no use."""


class FetchTooLarge(FetchError):
    """The answer is larger than the limit."""


class FetchTooSlow(FetchError):
    """The answer was not complete in time."""


@frozen(kw_only=True)
class Fetched:
    """A complete answer."""

    status: int
    type: str
    """The media type in lower case without parameters; empty when none was told, or none that can be one."""
    charset: str
    """The parameter C{charset} of the type, in lower case; empty without."""
    content: bytes = field(repr=False)


class Fetcher(Protocol):
    """Asks servers that strangers have named, within limits of size and time."""

    async def get(self, url: str, size_limit: int | None = None) -> Fetched:
        """
        Fetch what is at an address, following redirects.

        @param size_limit: octets, where the client's own limit is too much.
        @return: an answer with a status of success (2xx).
        @raise FetchError: one of its kinds says why not.
        """

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Fetched:
        """
        Give something to an address. A redirect is not followed.

        @param headers: those that describe the content or sign it; values of one line.
        @return: the answer, whatever its status; without its content where that is compressed or larger than the limit.
        @raise FetchError: one of its kinds says why there is no answer. The server may have taken the content.
        """
