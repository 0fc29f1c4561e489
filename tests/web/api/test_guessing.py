"""Tests of what happens to an address from which unknown tokens come."""

from collections.abc import Sequence

from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import Token
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.routes import Arguments, Caller, Family, Route
from tests.web.api.rig import APITestCase, Reply

FAILURES = 30
SECONDS = 600


class Thing:
    """Answers."""

    def routes(self) -> Sequence[Route]:
        return [Route("GET", "/thing", "read", self.thing)]

    async def thing(self, caller: Caller, arguments: Arguments) -> Answer:
        return as_json(caller.account.name)


class GuessingTestCase(APITestCase):
    """An API of one route."""

    @override
    def families(self) -> Sequence[Family]:
        return [Thing()]

    def get(self, token: str | None = "all", client: str = "") -> Reply:
        if client:
            return self.ask("GET", "/v1/thing", token=token, X_Forwarded_For=client)
        return self.ask("GET", "/v1/thing", token=token)

    def guess(self, times: int, client: str = "") -> list[int]:
        return [self.get(f"guess{number}", client).status for number in range(times)]


class DirectTests(GuessingTestCase):
    """Clients that connect themselves."""

    def test_hammered(self) -> None:
        """After so many unknown tokens more of them are told for how long to wait; a known one works all the while."""
        self.clock.advance(1000)
        self.assertEqual(self.guess(FAILURES), [401] * FAILURES)
        self.clock.advance(59.5)
        for _ in range(2):
            reply = self.get("guess")
            self.assertEqual((reply.status, reply.headers["retry-after"]), (429, "541"), reply)
            self.assertIn("tokens", reply.error)
            self.assertEqual(self.get().status, 200)
        self.clock.advance(SECONDS - 59.5)
        self.assertEqual(self.guess(1), [401])

    def test_slow(self) -> None:
        """Failures that are old are forgotten."""
        for _ in range(3):
            self.assertEqual(self.guess(FAILURES - 1), [401] * (FAILURES - 1))
            self.clock.advance(SECONDS)
        self.assertEqual(self.guess(1), [401])

    def test_others(self) -> None:
        """Requests without a token or with the wrong scope are no guesses, nor is what an unusable store left open."""
        self.add_token("sender", ("send",))
        self.assertEqual({self.get(None).status for _ in range(FAILURES + 1)}, {401})
        self.assertEqual({self.get("sender").status for _ in range(FAILURES + 1)}, {403})

        async def busy(secret: bytes) -> Token | None:
            raise StorageBusy("away")

        find, self.tokens.find_token = self.tokens.find_token, busy  # type: ignore[method-assign]
        self.assertEqual({self.get().status for _ in range(FAILURES + 1)}, {503})
        self.tokens.find_token = find  # type: ignore[method-assign]
        self.assertEqual(self.guess(1), [401])

    def test_claims(self) -> None:
        """What a client says of its address does not count."""
        statuses = [self.guess(1, f"192.0.2.{number}")[0] for number in range(FAILURES + 1)]
        self.assertEqual(statuses, [401] * FAILURES + [429])

    def test_public(self) -> None:
        """What needs no token is answered all the same."""
        self.guess(FAILURES + 1)
        self.assertEqual(self.ask("GET", "/v1/openapi.json", token=None).status, 200)


class ProxyTests(GuessingTestCase):
    """Clients behind a proxy of ours, from which the connections of these tests come."""

    proxies = ("192.168.1.0/24",)

    def test_addresses(self) -> None:
        """The client counts whose address the proxy wrote, which is the last one."""
        self.assertEqual(self.guess(FAILURES, "127.0.0.1, 192.0.2.1"), [401] * FAILURES)
        self.assertEqual(self.guess(1, "192.0.2.1"), [429])
        self.assertEqual(self.guess(1, "127.0.0.1"), [401])
        self.assertEqual(self.guess(1, "192.0.2.1, 192.0.2.2"), [401])
        self.assertEqual(self.get(client="192.0.2.1").status, 200)

    def test_silent(self) -> None:
        """A proxy that does not tell whose request it is is not made to wait for one of its clients."""
        self.assertEqual(self.guess(FAILURES + 1), [401] * (FAILURES + 1))
