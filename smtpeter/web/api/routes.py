"""What a family of resources consists of: routes, and what their functions are called with (pure)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from attrs import field, frozen

from smtpeter.model.account import Account, Scope, Token
from smtpeter.model.message import Trace
from smtpeter.web.api.answers import Answer, Streamed
from smtpeter.web.api.openapi.operations import Operation

Method = Literal["GET", "POST", "PUT", "DELETE"]


@frozen(kw_only=True)
class Caller:
    """Who asks, and how the request came."""

    token: Token
    trace: Trace

    @property
    def account(self) -> Account:
        """Whose data is shown and changed, and no other's."""
        return self.token.account


@frozen(kw_only=True)
class Arguments:
    """What a request says."""

    path: Mapping[str, str]
    """The variable parts of the path by name."""
    query: Mapping[str, Sequence[str]]
    """Behind the question mark, without the token."""
    body: Mapping[str, Any] = field(repr=False, factory=dict)
    """The object in the body, JSON or form data."""
    raw_body: bytes = field(repr=False, default=b"")
    route: str = ""
    """Method and pattern of the route."""
    headers: Mapping[str, str] = field(repr=False, factory=dict)
    """By name in lower case, the last of several."""

    def asked(self, name: str) -> str | None:
        """A value of the query, the last of several; C{None} when it is not given."""
        values = self.query.get(name)
        return values[-1] if values else None


Respond = Callable[[Caller, Arguments], Awaitable[Answer | Streamed]]


@frozen
class Route:
    """
    A method on a path.

    @ivar path: behind C{/v1}, variable parts in angle brackets as werkzeug has them: C{/recipient/<id>},
        C{/attachments/<id>/<path:name>} for a part that may hold slashes.
    @ivar scope: what the token must be for.
    @ivar respond: raises L{smtpeter.web.api.faults.APIError}; what a store raises is translated for it. A client that
        goes away does not cancel it.
    @ivar described: for C{/v1/openapi.json}.
    """

    method: Method
    path: str
    scope: Scope
    respond: Respond
    described: Operation | None = None


class Family(Protocol):
    """A module of resources."""

    def routes(self) -> Sequence[Route]:
        """What it answers."""
