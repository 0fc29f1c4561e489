"""What a client is told when a request cannot be granted (pure)."""

from collections.abc import Mapping, Sequence
from math import ceil

from attrs import asdict, field, frozen

RETRY_SECONDS = 10
"""After what time a client should come again when the store is busy."""


@frozen
class Fault:
    """
    One thing that is wrong.

    @ivar message: a sentence for the person who wrote the client.
    @ivar field: where, as a path into the body: C{recipients[2]}; empty when no field is at fault.
    """

    message: str
    field: str = ""

    def shown(self) -> dict[str, str]:
        """For the answer."""
        return {name: value for name, value in asdict(self).items() if value}


@frozen(eq=False)
class APIError(Exception):
    """
    The request ends with an error.

    @ivar status: the HTTP status.
    @ivar faults: all of them, at least one.
    """

    status: int
    faults: tuple[Fault, ...]
    headers: Mapping[str, str] = field(factory=dict)

    def shown(self) -> dict[str, object]:
        """For the answer: the first fault, and all of them where there are several."""
        shown = [fault.shown() for fault in self.faults]
        return {"error": shown[0], "errors": shown} if len(shown) > 1 else {"error": shown[0]}


def bad_request(faults: Sequence[Fault]) -> APIError:
    """400: the client has to be changed."""
    return APIError(400, tuple(faults))


def wrong(message: str, field: str = "") -> APIError:
    """400 for one fault."""
    return bad_request([Fault(message, field)])


def unauthorized(message: str) -> APIError:
    """401: no token, or none that counts (RFC 6750, 3)."""
    return APIError(401, (Fault(message),), {"WWW-Authenticate": "Bearer"})


def forbidden(message: str, field: str = "") -> APIError:
    """403: the token or its account may not do that."""
    return APIError(403, (Fault(message, field),))


def not_found(message: str = "There is nothing of that name.") -> APIError:
    """404: the same for what does not exist and for what is another account's."""
    return APIError(404, (Fault(message),))


def conflict(message: str) -> APIError:
    """409: the request contradicts an earlier one."""
    return APIError(409, (Fault(message),))


def too_many(message: str, wait_seconds: float) -> APIError:
    """429: the same request may be granted later (RFC 6585, 4)."""
    return APIError(429, (Fault(message),), {"Retry-After": str(ceil(wait_seconds))})


def unavailable(message: str) -> APIError:
    """503: nothing was changed; the same request may be granted later."""
    return APIError(503, (Fault(message),), {"Retry-After": str(RETRY_SECONDS)})
