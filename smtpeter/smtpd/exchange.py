"""
The exchange of AUTH (RFC 4954, 4): base64 in, challenges out, until the credentials are complete.
"""

from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import define

from smtpeter.auth.credentials import MalformedResponse
from smtpeter.smtpd.replies import (
    BAD_BASE64,
    BAD_RESPONSE,
    LOGIN_CANCELLED,
    NEEDS_ARGUMENT,
    UNKNOWN_MECHANISM,
    Rejected,
    Reply,
)


class Challenger(Protocol):
    """What C{twisted.mail.interfaces.IChallengeResponse} says: credentials that ask for themselves."""

    def getChallenge(self) -> bytes:
        """The next challenge."""

    def setResponse(self, response: bytes) -> None:
        """Take the response to it."""

    def moreChallenges(self) -> bool:
        """Whether another challenge follows."""


Challengers = Mapping[bytes, Callable[[], Challenger]]
"""The mechanisms by name in upper case."""


@define(eq=False)
class Exchange:
    """One AUTH command. @ivar credentials: they are complete when C{is_complete}."""

    credentials: Challenger
    is_complete: bool = False

    def ask(self) -> Reply:
        """The next challenge."""
        return Reply(334, "", b64encode(self.credentials.getChallenge()).decode("ascii"))

    def respond(self, line: bytes) -> None:
        """
        Take a line of the client.

        @raise Rejected: the client cancels, or what it says is malformed; the exchange is over.
        @raise UnauthorizedLogin: it asks for what nobody may; the exchange is over.
        """
        if line == b"*":
            raise Rejected(LOGIN_CANCELLED)
        try:
            self._take(a2b_base64(line.rstrip(b" "), strict_mode=True))
        except Error:
            raise Rejected(BAD_BASE64) from None

    def take_initial(self, word: str) -> None:
        """
        Take the initial response: C{=} stands for an empty one (RFC 4954, 4).

        @raise Rejected: as L{respond}.
        @raise UnauthorizedLogin: as L{respond}.
        """
        self.credentials.getChallenge()
        if word == "=":
            self._take(b"")
        else:
            self.respond(word.encode("ascii"))

    def _take(self, response: bytes) -> None:
        try:
            self.credentials.setResponse(response)
        except MalformedResponse:
            raise Rejected(BAD_RESPONSE) from None
        self.is_complete = not self.credentials.moreChallenges()


def begin_exchange(challengers: Challengers, argument: str) -> tuple[Exchange, str]:
    """
    Read the argument of AUTH.

    @return: the exchange, and the initial response or an empty text.
    @raise Rejected: no mechanism, or none of ours.
    """
    mechanism, _, initial = argument.partition(" ")
    if not mechanism:
        raise Rejected(NEEDS_ARGUMENT)
    challenger = challengers.get(mechanism.upper().encode("ascii"))
    if challenger is None:
        raise Rejected(UNKNOWN_MECHANISM)
    return Exchange(challenger()), initial.strip(" ")
