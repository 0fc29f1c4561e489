"""Tests of the resource under C{/v1}: who is let in, and what every route answers when something is wrong."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.web.api.answers import TEXT, Answer, Streamed, as_json, as_text
from smtpeter.web.api.faults import APIError, Fault, bad_request, not_found
from smtpeter.web.api.routes import Arguments, Caller, Route
from smtpeter.web.requests import BODIES_AT_ONCE, BYTES_A_SECOND, REQUEST_SECONDS, WebChannel
from tests.support.database import now
from tests.web.api.rig import LIMIT, APITestCase
from tests.web.test_requests import connect


class Echo:
    """Answers what it was asked, or fails as it is told."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.waiting: Deferred[None] | None = None
        self.done: list[str] = []
        self.closed = False

    def routes(self) -> Sequence[Route]:
        return [
            Route("GET", "/echo/<id>", "read", self.echo),
            Route("POST", "/echo/<id>", "send", self.echo),
            Route("DELETE", "/echo/<id>", "manage", self.echo),
            Route("GET", "/file/<path:name>", "read", self.file),
            Route("GET", "/stream", "read", self.stream),
        ]

    async def echo(self, caller: Caller, arguments: Arguments) -> Answer:
        if self.waiting is not None:
            await self.waiting
        if self.failure is not None:
            raise self.failure
        self.done.append(arguments.path["id"])
        told = {"account": caller.account.name, "path": dict(arguments.path), "query": dict(arguments.query)}
        return as_json({**told, "body": dict(arguments.body)})

    async def file(self, caller: Caller, arguments: Arguments) -> Answer:
        return as_text(f"ü {arguments.path['name']} {caller.trace.protocol} {arguments.asked('x')}")

    async def stream(self, caller: Caller, arguments: Arguments) -> Streamed:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                for number in range(1000):
                    self.done.append(str(number))
                    yield b"%d\n" % number
            finally:
                self.closed = True

        return Streamed(pieces=pieces(), content_type="text/csv")


class ServiceTestCase(APITestCase):
    """An API of one family."""

    @override
    def families(self) -> Sequence[Echo]:
        self.echo = Echo()
        return [self.echo]


class AccessTests(ServiceTestCase):
    """Who is let in."""

    def test_token(self) -> None:
        """A token is taken from the header or from the address, and is not passed on."""
        wanted = {"account": "a", "path": {"id": "1"}, "query": {"x": ["2"]}, "body": {}}
        self.assertEqual(self.ask("GET", "/v1/echo/1?x=2").json, wanted)
        self.assertEqual(self.ask("GET", "/v1/echo/1?access_token=all&x=2", token=None).json, wanted)
        self.assertEqual(self.ask("GET", "/v1/echo/1?x=2", token=None, Authorization="bearer  all").json, wanted)

    def test_versions(self) -> None:
        """C{/v2} is the same as C{/v1}."""
        wanted = self.ask("GET", "/v1/echo/v2?x=2").json
        self.assertEqual(self.ask("GET", "/v2/echo/v2?x=2").json, wanted)
        self.assertEqual(self.ask("POST", "/v2/echo/1/", b'{"a": 1}', Content_Type="application/json").status, 200)

    def test_no_token(self) -> None:
        """Without a token, with an empty or a wrong one, there is 401."""
        for path in ("/v1/echo/1", "/v1/echo/1?access_token=", "/v1/echo/1?access_token=ALL"):
            reply = self.ask("GET", path, token=None)
            self.assertEqual((reply.status, reply.headers["www-authenticate"]), (401, "Bearer"), reply)
            self.assertIn("oken", reply.error)
        self.assertEqual(self.ask("GET", "/v1/echo/1", token="x" * 5000).status, 401)
        self.assertEqual(self.echo.done, [])

    def test_deleted(self) -> None:
        """A token that was deleted is dead with the next request."""
        token_id = self.add_token("short")
        self.assertEqual(self.ask("GET", "/v1/echo/1", token="short").status, 200)
        now(self.tokens.delete_token(token_id))
        self.assertEqual(self.ask("GET", "/v1/echo/1", token="short").status, 401)

    def test_scope(self) -> None:
        """A token is good for its scopes alone."""
        self.add_token("reader", ("read",))
        self.assertEqual(self.ask("GET", "/v1/echo/1", token="reader").status, 200)
        for method, scope in (("POST", "send"), ("DELETE", "manage")):
            reply = self.ask(method, "/v1/echo/1", token="reader")
            self.assertEqual((reply.status, reply.error), (403, f"The token reader does not have the scope {scope}."))

    def test_accounts(self) -> None:
        """The account is the token's."""
        self.add_token("other", account=self.add_account("b"))
        self.assertEqual(self.ask("GET", "/v1/echo/1", token="other").json["account"], "b")


class InsecureTests(ServiceTestCase):
    """Plain HTTP."""

    allow_insecure = False

    def test_plain(self) -> None:
        """Over HTTP there is 400, whatever the client says of itself, and before the token is looked at."""
        for proto in ("", "https"):
            reply = self.ask("GET", "/v1/echo/1", X_Forwarded_Proto=proto)
            self.assertEqual(reply.status, 400)
            self.assertIn("HTTPS", reply.error)
        self.assertEqual(self.ask("POST", "/v1/nothing", token=None).status, 400)
        self.assertEqual(self.echo.done, [])


class ProxyTests(ServiceTestCase):
    """Plain HTTP from a proxy that is trusted: the connections of these tests come from 192.168.1.1."""

    allow_insecure = False
    proxies = ("192.168.1.0/24",)

    def test_proxy(self) -> None:
        """The proxy says what came to it."""
        self.assertEqual(self.ask("GET", "/v1/echo/1", X_Forwarded_Proto="https").status, 200)
        self.assertEqual(self.ask("GET", "/v1/echo/1", X_Forwarded_Proto="http").status, 400)


class RoutingTests(ServiceTestCase):
    """What is where."""

    def test_elsewhere(self) -> None:
        """What is not there is 404 in JSON, with and without a token."""
        for path in ("/v1", "/v1/", "/v1/nothing", "/v1/echo", "/v1/echo/1/2", "/v1//echo/1", "/v1/<b>"):
            for token in ("all", None):
                reply = self.ask("GET", path, token=token)
                self.assertEqual((reply.status, reply.error), (404, "There is nothing of that name."), path)

    def test_slash(self) -> None:
        """A trailing slash does not count, even where a part may hold slashes."""
        self.assertEqual(self.ask("GET", "/v1/echo/1/").json["path"], {"id": "1"})
        self.assertEqual(self.ask("GET", "/v1/file/a/b/?x=1").body, "ü a/b HTTP 1".encode())

    def test_methods(self) -> None:
        """Other methods are 405 and told; OPTIONS tells them too; HEAD is GET without its body."""
        for method in ("PUT", "PATCH", "TRACE", "FOO"):
            reply = self.ask(method, "/v1/echo/1")
            self.assertEqual((reply.status, reply.headers["allow"]), (405, "DELETE, GET, HEAD, OPTIONS, POST"), method)
            self.assertIn("DELETE", reply.error)
        reply = self.ask("OPTIONS", "/v1/echo/1", token=None)
        self.assertEqual(
            (reply.status, reply.headers["allow"], reply.body), (204, "DELETE, GET, HEAD, OPTIONS, POST", b"")
        )
        full, head = self.ask("GET", "/v1/echo/1"), self.ask("HEAD", "/v1/echo/1")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["content-length"], str(len(full.body)))

    def test_wrong_addresses(self) -> None:
        """An address that is no UTF-8, or a host that is none, is 400 and nothing in the log."""
        self.assertEqual(self.ask("GET", "/v1/echo/%ff").status, 400)
        self.assertEqual(self.ask("GET", "/v1/echo/1?x=%ff").status, 400)
        self.assertEqual(self.ask("GET", "/v1/echo/1", Host="a" * 70 + ".example").status, 400)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_types(self) -> None:
        """Text says that it is UTF-8; nothing is kept by caches; no answer tells which software made it."""
        reply = self.ask("GET", "/v1/file/x")
        self.assertEqual((reply.headers["content-type"], reply.headers["cache-control"]), (TEXT, "no-store"))
        self.assertNotIn("server", reply.headers)


class FailureTests(ServiceTestCase):
    """What goes wrong behind a route."""

    def test_known(self) -> None:
        """Errors of a resource are told as they are, several at once."""
        self.echo.failure = not_found()
        self.assertEqual(self.ask("GET", "/v1/echo/1").status, 404)
        self.echo.failure = APIError(409, (Fault("No."),))
        self.assertEqual(self.ask("POST", "/v1/echo/1").json, {"error": {"message": "No."}})
        self.echo.failure = bad_request([Fault("One.", "a"), Fault("Two.", "b[1]")])
        shown = [{"message": "One.", "field": "a"}, {"message": "Two.", "field": "b[1]"}]
        self.assertEqual(self.ask("POST", "/v1/echo/1").json, {"error": shown[0], "errors": shown})

    def test_store(self) -> None:
        """A store that is away or full is 503, and the client is told when to come again."""
        for failure, part in ((StorageBusy("x.db locked"), "store"), (StorageFull("x"), "space")):
            self.echo.failure = failure
            reply = self.ask("GET", "/v1/echo/1")
            self.assertEqual((reply.status, reply.headers["retry-after"]), (503, "10"))
            self.assertIn(part, reply.error)
            self.assertNotIn("x.db", reply.error)

    def test_stop(self) -> None:
        """What the stop of the server breaks off is 503, and no fault of ours."""
        self.echo.failure = CancelledError()
        reply = self.ask("GET", "/v1/echo/1")
        self.assertEqual((reply.status, reply.headers["retry-after"]), (503, "10"))
        self.assertIn("stopped", reply.error)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_bug(self) -> None:
        """A fault of ours is 500 without internals, and logged."""
        self.echo.failure = RuntimeError("secret")
        reply = self.ask("GET", "/v1/echo/1")
        self.assertEqual(reply.status, 500)
        self.assertNotIn(b"secret", reply.body)
        self.assertNotIn(b"RuntimeError", reply.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_gone(self) -> None:
        """A client that hangs up does not end what its request has begun."""
        self.echo.waiting = Deferred()
        protocol, transport = connect(self.site)
        protocol.dataReceived(b"POST /v1/echo/1?access_token=all HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(transport.value(), b"")
        protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.echo.done, [])
        self.echo.waiting.callback(None)
        self.assertEqual(self.echo.done, ["1"])
        self.assertEqual(self.flushLoggedErrors(), [])


class BodyTests(ServiceTestCase):
    """What is sent."""

    def test_json_and_form(self) -> None:
        """An object of JSON and a form arrive alike."""
        self.assertEqual(self.post("/v1/echo/1", {"a": ["x", "y"]}).json["body"], {"a": ["x", "y"]})
        form = {"Content_Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        self.assertEqual(self.ask("POST", "/v1/echo/1", b"a=x&a=y", **form).json["body"], {"a": ["x", "y"]})
        self.assertEqual(self.ask("POST", "/v1/echo/1").json["body"], {})

    def test_multipart(self) -> None:
        """A form in parts is 400 with a text that says what is taken."""
        body = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n"
        reply = self.ask("POST", "/v1/echo/1", body, Content_Type="multipart/form-data; boundary=b")
        self.assertEqual(reply.status, 400)
        self.assertIn("application/json", reply.error)

    def test_large(self) -> None:
        """A large body is read in a thread, a small one is not."""
        self.post("/v1/echo/1", {"a": "x" * 1000})
        self.assertEqual(self.threads.runs, 0)
        self.assertEqual(self.post("/v1/echo/1", {"a": "x" * 100_000}).status, 200)
        self.assertEqual(self.threads.runs, 1)

    def test_too_large(self) -> None:
        """A body over the limit is refused in JSON before its first byte; elsewhere the limit is a smaller one."""
        head = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
        answer = self.raw(head % (b"/v1/echo/1?access_token=all", LIMIT + 1))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertIn(b"\r\nContent-Type: application/json\r\n", answer)
        self.assertIn(b'{"error":{"message":"The body is larger than 200000 bytes."}}', answer)
        self.assertEqual(self.raw(head % (b"/v1/echo/1?access_token=all", LIMIT)), b"")
        self.assertTrue(self.raw(head % (b"/v10/echo", 1001)).startswith(b"HTTP/1.1 413 "))

    def test_crowd(self) -> None:
        """Bodies that come in together are bounded; what is answered or hung up makes room again."""
        head = b"POST /v1/echo/1?access_token=all HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % LIMIT
        opened = [connect(self.site) for _ in range(BODIES_AT_ONCE + 1)]
        for protocol, _ in opened:
            protocol.dataReceived(head + b"x" * (LIMIT - 1))
        refused = [transport.value() for _, transport in opened if transport.value()]
        self.assertEqual(len(refused), 1)
        self.assertTrue(refused[0].startswith(b"HTTP/1.1 503 "), refused)
        self.assertIn(b"\r\nRetry-After: 10\r\n", refused[0])
        self.assertEqual(self.post("/v1/echo/1", {"a": "x" * 100}).status, 503)
        for number, (protocol, _) in enumerate(opened):
            if number % 2:
                protocol.dataReceived(b"x")
            protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.site.held_bytes, 0)
        self.assertEqual(self.post("/v1/echo/1", {}).status, 200)
        self.assertEqual(self.site.held_bytes, 0)

    def test_slow(self) -> None:
        """A body that drips is cut at the deadline; one that comes at a fair rate may take longer."""
        for size_bytes, is_cut in ((1, True), (BYTES_A_SECOND // 2, False)):
            protocol, transport = connect(self.site)
            protocol.dataReceived(b"POST /v1/echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % LIMIT)
            for _ in range(6):
                protocol.dataReceived(b"x" * size_bytes)
                self.clock.advance(REQUEST_SECONDS / 5.5)
            self.assertEqual(transport.disconnected, is_cut)


class StreamTests(ServiceTestCase):
    """Answers in pieces."""

    def test_whole(self) -> None:
        """All pieces arrive, in order, and the source is closed."""
        reply = self.raw(b"GET /v1/stream?access_token=all HTTP/1.0\r\nHost: a\r\n\r\n")
        head, _, body = reply.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Type: text/csv", head)
        self.assertEqual(body, b"".join(b"%d\n" % number for number in range(1000)))
        self.assertTrue(self.echo.closed)

    def test_slow_client(self) -> None:
        """A piece is asked for when the client has room; when it has gone the source is closed."""
        protocol, transport = connect(self.site)

        channel = cast(WebChannel, protocol)

        def pause(pieces: Sequence[bytes]) -> None:
            channel.pauseProducing()

        transport.writeSequence = pause  # type: ignore[method-assign]
        protocol.dataReceived(b"GET /v1/stream?access_token=all HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(self.echo.done, ["0"])
        channel.resumeProducing()
        self.assertEqual(self.echo.done, ["0", "1"])
        self.assertFalse(self.echo.closed)
        protocol.connectionLost(Failure(ConnectionLost()))
        self.assertTrue(self.echo.closed)
        self.assertEqual(self.echo.done, ["0", "1"])
