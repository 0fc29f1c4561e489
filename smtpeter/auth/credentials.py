"""
The challenges and responses of SASL PLAIN (RFC 4616) and LOGIN, as C{twisted.mail} looks them up.

Both are read strictly: a wrong number of parts is no password that merely does not match.
"""

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.mail.interfaces import IChallengeResponse
from zope.interface import implementer


class MalformedResponse(ValueError):
    """The client's response does not have the form of the mechanism."""


@implementer(IChallengeResponse)
class PlainCredentials(UsernamePassword):
    """C{authzid NUL authcid NUL password}, in one response."""

    def __init__(self) -> None:
        super().__init__(b"", b"")

    def getChallenge(self) -> bytes:
        """PLAIN asks nothing."""
        return b""

    def setResponse(self, response: bytes) -> None:
        """
        Take the client's response.

        @raise MalformedResponse: it has not three parts, or no user name.
        @raise UnauthorizedLogin: it asks to act as somebody else than who logs in.
        """
        parts = response.split(b"\0")
        if len(parts) != 3 or not parts[1]:
            raise MalformedResponse("PLAIN takes authzid NUL authcid NUL password")
        authorization, self.username, self.password = parts
        if authorization and authorization != self.username:
            raise UnauthorizedLogin("nobody may act as somebody else")

    def moreChallenges(self) -> bool:
        """One response says it all."""
        return False


@implementer(IChallengeResponse)
class LoginCredentials(UsernamePassword):
    """The user name in a first response, the password in a second."""

    _PROMPTS = (b"Username:", b"Password:")

    def __init__(self) -> None:
        super().__init__(b"", b"")
        self._asked = 0
        self._answered = 0

    def getChallenge(self) -> bytes:
        """The prompts that clients know by heart, some by their base64."""
        self._asked += 1
        return self._PROMPTS[self._asked - 1]

    def setResponse(self, response: bytes) -> None:
        """
        Take the user name, then the password.

        @raise MalformedResponse: no user name.
        """
        self._answered += 1
        if self._answered > 1:
            self.password = response
        elif response:
            self.username = response
        else:
            raise MalformedResponse("LOGIN takes a user name")

    def moreChallenges(self) -> bool:
        """Whether the password is still to come."""
        return self._answered < len(self._PROMPTS)


CHALLENGERS = {b"PLAIN": PlainCredentials, b"LOGIN": LoginCredentials}
"""The mechanisms by name, in the order in which they are advertised."""
