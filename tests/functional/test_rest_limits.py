"""How often the REST API may be asked, as a client sees it."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, Reply, client
from tests.support.sink import Sink

FAILURES = 30


class GuessTests(SynchronousTestCase):
    """Unknown tokens."""

    def check_blocked(self, reply: Reply) -> None:
        self.assertEqual(reply.status, 429, reply)
        self.assertIn("unknown tokens", reply.json["error"]["message"])
        self.assertTrue(590 <= int(reply.headers["retry-after"]) <= 600, reply)

    def test_hammered(self) -> None:
        """
        An address that guesses gets 429 whatever it says of itself; the right token works from there, and
        what needs no token.
        """
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            right = client(it)
            for number in range(FAILURES):
                reply = Client(it, f"guess{number}").ask("GET", "/v1/logfiles", X_Forwarded_For=f"192.0.2.{number}")
                self.assertEqual(reply.status, 401, reply)
            mail = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x"}
            self.check_blocked(Client(it, "guess").get("/v1/logfiles"))
            self.check_blocked(Client(it, "guess").post("/v1/send", mail))
            self.assertEqual(it.events(), [])
            self.assertEqual(Client(it, "").get("/v1/openapi.json").status, 200)
            self.assertEqual(right.post("/v1/send", mail).status, 200)
            it.wait_events("delivery")
            it.stop()

    def test_proxy(self) -> None:
        """Behind a proxy only the client waits whose address the proxy names."""
        proxied = 'trusted_proxies = ["127.0.0.1"]'
        with Sink() as sink, Installation(sink.port, web=proxied) as it:
            right = client(it)

            def ask(asked: Client, clients: str) -> Reply:
                return asked.ask("GET", "/v1/logfiles", X_Forwarded_For=clients, X_Forwarded_Proto="https")

            for _ in range(FAILURES):
                reply = ask(Client(it, "guess"), "192.0.2.1")
                self.assertEqual(reply.status, 401, reply)
            self.check_blocked(ask(Client(it, "guess"), "192.0.2.2, 192.0.2.1"))
            self.assertEqual(ask(Client(it, "guess"), "192.0.2.1, 192.0.2.2").status, 401)
            reply = ask(right, "192.0.2.2, 192.0.2.1")
            self.assertEqual((reply.status, reply.json), (200, []))
            it.stop()
