"""
The resource under C{/v1}: finds the route, lets in who may, and answers whatever happens as JSON.

Klein finds the route. What Klein would answer by itself (HTML, a traceback in the log for a path that is not UTF-8, a
handler cancelled because its client has gone) is kept from it: every work is shielded, every failure translated here.
"""

from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import Any, TypeVar, cast

from attrs import define, field
from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request
from typing_extensions import override
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.web.api.answering import has_gone, read_headers, read_query, trace_of, write
from smtpeter.web.api.answers import Answer, Streamed, as_error, as_json
from smtpeter.web.api.bodies import read_body
from smtpeter.web.api.doorkeeper import Doorkeeper
from smtpeter.web.api.faults import APIError, Fault, not_found, unavailable, wrong
from smtpeter.web.api.openapi.document import DOCUMENT_PATH, make_document
from smtpeter.web.api.routes import Arguments, Caller, Family, Route
from smtpeter.web.api.threads import SMALL_BYTES, Threads
from smtpeter.web.streaming import begin

T = TypeVar("T")

PREFIX = "/v1"


@define(eq=False)
class API(Resource):
    """See the module."""

    isLeaf = True
    _doorkeeper: Doorkeeper
    _threads: Threads
    _families: Sequence[Family]
    app: Klein = field(factory=Klein, init=False)
    """The routes."""
    description: Mapping[str, Any] = field(init=False)
    """What C{openapi.json} answers."""
    _routes: IResource = field(init=False)
    _log = Logger()

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def __attrs_post_init__(self) -> None:
        app = self.app
        app.url_map.merge_slashes = False
        routes = [route for family in self._families for route in family.routes()]
        for route in routes:
            path = PREFIX + route.path
            app.route(path, methods=[route.method], endpoint=f"{route.method} {path}")(self._endpoint(route))
        self.description = make_document(routes)
        answer = as_json(self.description)
        app.route(PREFIX + DOCUMENT_PATH, methods=["GET"])(lambda request: _shielded(write(request, answer)))
        app.handle_errors(HTTPException)(cast(Any, self._not_routed))
        self._routes = app.resource()

    @override
    def render(self, request: Request) -> object:
        """Look whether it can be routed at all, and pass it on."""
        while request.postpath and not request.postpath[-1]:
            request.postpath.pop()
        if request.postpath:
            request.postpath[0] = PREFIX[1:].encode()
        try:
            self._check(request)
        except APIError as error:
            _ = Deferred.fromCoroutine(self._refuse(request, error))
            return NOT_DONE_YET
        return self._routes.render(request)

    def _check(self, request: Request) -> None:
        self._doorkeeper.check_transport(request.isSecure(), trace_of(request).peer, read_headers(request))
        try:
            for part in (request.method, *cast(list[bytes], request.postpath)):
                part.decode("utf-8")
            request.getRequestHostname().decode("ascii").encode("idna")
        except UnicodeError:
            raise wrong("The address of the request is not valid.") from None

    async def _refuse(self, request: Request, error: APIError) -> None:
        await write(request, as_error(error))
        if not has_gone(request):
            request.finish()

    def _not_routed(self, request: Request, failure: Failure) -> "Deferred[bytes]":
        error = failure.value
        answer = as_error(not_found())
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted([*(error.valid_methods or ()), "OPTIONS"]))
            answer = Answer(body=b"", status=204, headers={"Allow": allowed})
            if request.method != b"OPTIONS":
                text = f"This address takes {allowed}."
                answer = as_error(APIError(405, (Fault(text),), {"Allow": allowed}))
        return Deferred.fromCoroutine(write(request, answer))

    def _endpoint(self, route: Route) -> Any:
        def begin(request: Request, **path: str) -> "Deferred[bytes]":
            return _shielded(self._serve(route, request, path))

        return begin

    async def _serve(self, route: Route, request: Request, path: dict[str, str]) -> bytes:
        return await write(request, await self._answer(route, request, path))

    async def _answer(self, route: Route, request: Request, path: dict[str, str]) -> Answer | Streamed:
        try:
            answer = await self._respond(route, request, path)
            if isinstance(answer, Streamed):
                begun = await begin(answer.pieces)
                return Streamed(pieces=begun, content_type=answer.content_type, headers=answer.headers)
            return answer
        except APIError as error:
            return as_error(error)
        except StorageFull:
            return as_error(unavailable("No space is left to store anything; nothing was changed."))
        except StorageBusy:
            return as_error(unavailable("The store cannot be used now; nothing was changed."))
        except CancelledError:
            # Nothing else cancels it: a client that hangs up does not.
            return as_error(unavailable("The server is being stopped."))
        except Exception:
            self._log.failure("{method} {path} failed", method=route.method, path=route.path)
            return as_error(APIError(500, (Fault("Something went wrong here; it has been noted."),)))

    async def _respond(self, route: Route, request: Request, path: dict[str, str]) -> Answer | Streamed:
        headers, query = read_headers(request), read_query(request)
        trace, raw = trace_of(request), cast(BytesIO, request.content).getvalue()
        token = await self._doorkeeper.admit(route.scope, trace.peer, headers, query)
        query.pop("access_token", None)
        arguments = Arguments(
            path=path,
            query=query,
            body=await self._read(headers.get("content-type", ""), raw) if route.method in ("POST", "PUT") else {},
            raw_body=raw,
            route=f"{route.method} {route.path}",
            headers=headers,
        )
        return await route.respond(Caller(token=token, trace=trace), arguments)

    async def _read(self, content_type: str, raw: bytes) -> dict[str, Any]:
        read = partial(read_body, content_type)
        return read(raw) if len(raw) <= SMALL_BYTES else await self._threads.run(read, raw)


def _shielded(work: Coroutine["Deferred[Any]", Any, T]) -> "Deferred[T]":
    """Await work that goes on when whoever awaits it is cancelled: a client that hangs up half-does nothing."""
    shield: Deferred[T] = Deferred()

    def end(result: T | Failure) -> None:
        if not shield.called:
            shield.callback(result)

    _ = Deferred.fromCoroutine(work).addBoth(end)
    return shield
