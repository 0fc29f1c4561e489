"""The REST API as a client sees it: real HTTP to the server as a process, mail at a sink."""

import email
import email.policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

MIME = (
    "From: Shop <a@shop.example>\nTo: b@y.example\nBcc: hidden@y.example\nx-smtpeter-trackopens: false\n"
    "Subject: Grüße\nContent-Type: text/html; charset=utf-8\n\n<a href='https://shop.example/'>Grüße</a>\n"
)


class SendTests(SynchronousTestCase):
    """C{POST /v1/send}"""

    def test_mime(self) -> None:
        """A raw message reaches its recipients alone, without Bcc and the fields for us, which precede properties."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            value = {"recipients": "b@y.example,hidden@y.example", "mime": MIME, "tags": ["t"], "trackclicks": True}
            reply = asked.post("/v1/send?access_token=ignored", value)
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual(sorted(reply.json.values()), ["b@y.example", "hidden@y.example"])
            arrived = sink.wait_for(2)
            self.assertEqual(sorted(one.recipients for one in arrived), [("b@y.example",), ("hidden@y.example",)])
            for one in arrived:
                self.assertTrue(one.reverse_path.endswith("@bounces.localhost"), one.reverse_path)
                self.check_content(one.content, it)
            self.check_events(it, reply.json)
            it.stop()

    def check_content(self, content: bytes, it: Installation) -> None:
        """Clicks are tracked, opens are not, since the header says so; nothing for us is left."""
        found = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual((found["subject"], found["to"], found["bcc"]), ("Grüße", "b@y.example", None))
        self.assertNotIn(b"x-smtpeter", content.lower())
        text = found.get_content()
        self.assertIn(f"http://127.0.0.1:{it.web_port}/", text)
        self.assertNotIn(".gif", text)
        self.assertIn("DKIM-Signature", found)

    def check_events(self, it: Installation, ids: dict[str, str]) -> None:
        """Each id is that of a message, with its tags."""
        events = it.wait_events("attempt", 2)
        self.assertEqual({one["message_id"]: one["data"]["recipient"] for one in events}, ids)
        self.assertEqual({one["data"]["tags"] for one in events}, {"t"})
        self.assertEqual({one["data"]["properties"] for one in events}, {"trackclicks;trackbounces"})

    def test_composed(self) -> None:
        """A message is composed of its properties, from JSON and from a form."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            value = {
                "recipient": {"b@y.example": {}},
                "from": "Büro <a@shop.example>",
                "to": ["Zoë <b@y.example>"],
                "subject": "Prüfung €",
                "text": "Hällo",
                "html": "<p>Hällo</p>",
                "attachments": [{"data": "aGVsbG8=", "name": "größe.txt", "type": "text/plain"}],
                "trackbounces": False,
                "envelope": "me@shop.example",
            }
            self.assertEqual(asked.post("/v1/send", value).status, 200)
            (first,) = sink.wait_for(1)
            found = email.message_from_bytes(first.content, policy=email.policy.default)
            self.assertEqual((first.reverse_path, first.recipients), ("me@shop.example", ("b@y.example",)))
            self.assertEqual((found["from"], found["subject"]), ("Büro <a@shop.example>", "Prüfung €"))
            (attached,) = found.iter_attachments()
            self.assertEqual((attached.get_filename(), attached.get_content().strip()), ("größe.txt", "hello"))
            form = b"recipient[]=c@y.example&from=a@shop.example&subject=Hi&text=Hello"
            reply = asked.ask("POST", "/v1/send/", form, Content_Type="application/x-www-form-urlencoded")
            self.assertEqual(list(reply.json.values()), ["c@y.example"], reply)
            second = sink.wait_for(2)[-1]
            self.assertEqual(second.recipients, ("c@y.example",))

    def test_urls(self) -> None:
        """An attachment by URL is fetched; from loopback only where the operator allows it, else nobody is asked."""
        asked: list[str] = []

        class Files(BaseHTTPRequestHandler):
            """Has one."""

            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"from elsewhere")

            @override
            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server, Sink() as sink:
            Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/a.txt"
            value = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "attachments": [{"url": url}]}
            with Installation(sink.port, web=INSECURE) as it:
                reply = client(it).post("/v1/send", value)
                self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "attachments[0].url"))
                self.assertEqual(asked, [])
            with Installation(sink.port, web=INSECURE + "\nallow_private = true") as it:
                self.assertEqual(client(it).post("/v1/send", value).status, 200)
                (arrived,) = sink.wait_for(1)
            server.shutdown()
        found = email.message_from_bytes(arrived.content, policy=email.policy.default)
        (attached,) = found.iter_attachments()
        self.assertEqual((attached.get_filename(), attached.get_content().strip()), ("a.txt", "from elsewhere"))
        self.assertEqual(asked, ["/a.txt"])

    def test_many(self) -> None:
        """Ten thousand recipients are accepted by one request, and more are refused."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, route=False) as it:
            asked = client(it)
            many = [f"r{number}@y.invalid" for number in range(10_001)]
            value = {"recipients": many[:-1], "from": "a@shop.example", "text": "x"}
            reply = asked.post("/v1/send", value)
            self.assertEqual((reply.status, list(reply.json.values())), (200, many[:-1]))
            self.assertEqual(len(reply.json), 10_000)
            reply = asked.post("/v1/send", {**value, "recipients": many})
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "recipients"))

    def test_expired(self) -> None:
        """A mail whose time has passed is accepted and not delivered."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            value = {"recipient": "b@y.example", "mime": MIME, "maxdelivertime": "2020-01-01 00:00:00"}
            self.assertEqual(client(it).post("/v1/send", value).status, 200)
            (failure,) = it.wait_events("failure")
            self.assertEqual(failure["data"]["recipient"], "b@y.example")
            self.assertEqual([one.recipients for one in sink.arrived], [])


class OnceTests(SynchronousTestCase):
    """Sending once, and sending again."""

    def test_key(self) -> None:
        """A request that is repeated under its key is sent once; another body under the key is 409."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            recipients = [f"{name}@y.example" for name in ("c", "a", "e", "b", "d", "f")]
            value = {"recipients": recipients, "mime": MIME}
            first = asked.post("/v1/send", value, Idempotency_Key="order 5")
            again = asked.post("/v1/send", value, Idempotency_Key="order 5")
            self.assertEqual((first.status, again.status, again.body), (200, 200, first.body))
            self.assertEqual(list(first.json.values()), recipients)
            self.assertEqual(asked.post("/v1/send", {**value, "tags": "x"}, Idempotency_Key="order 5").status, 409)
            it.kill()
            it.start()
            self.assertEqual(asked.post("/v1/send", value, Idempotency_Key="order 5").body, first.body)
            it.wait_events("delivery", 6)
            self.assertEqual(len(it.events("attempt")), 6)

    def test_resend(self) -> None:
        """A message is sent again with its content and options under a new id, for its account alone."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            value = {"recipients": ["b@y.example", "c@y.example"], "mime": MIME, "tags": "t", "trackbounces": False}
            ids = {address: id for id, address in asked.post("/v1/send", value).json.items()}
            reply = asked.post("/v1/resend", {"message": ids["c@y.example"]})
            self.assertEqual(list(reply.json.values()), ["c@y.example"], reply)
            self.assertNotIn(next(iter(reply.json)), ids.values())
            arrived = [one for one in sink.wait_for(3) if one.recipients == ("c@y.example",)]
            self.assertEqual([one.reverse_path for one in arrived], ["", ""])
            events = it.wait_events("attempt", 3)
            said = {(one["data"]["tags"], one["data"]["properties"]) for one in events}
            self.assertEqual(said, {("t", "trackclicks")})
            it.cli("account", "create", "other")
            other = Client(it, it.cli("token", "create", "o", "--account", "other")["token"])
            self.assertEqual(other.post("/v1/resend", {"message": ids["c@y.example"]}).status, 404)


class RefusalTests(SynchronousTestCase):
    """What is not granted."""

    def test_tokens_and_accounts(self) -> None:
        """A token counts for its scopes and its account, until it is deleted; then it is dead at once."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked, reader = client(it), client(it, "--scope", "read")
            value = {"recipient": "b@y.example", "mime": MIME}
            self.assertEqual(reader.post("/v1/send", value).status, 403)
            self.assertEqual(Client(it, "").post("/v1/send", value).status, 401)
            self.assertEqual(Client(it, "x" * 32).post("/v1/send", value).status, 401)
            it.cli("account", "create", "other")
            other = Client(it, it.cli("token", "create", "o", "--account", "other")["token"])
            reply = other.post("/v1/send", value)
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "mime"))
            self.assertIn("sender domain", reply.json["error"]["message"])
            it.cli("account", "suspend", "other")
            self.assertIn("suspended", other.post("/v1/send", value).json["error"]["message"])
            self.assertEqual(asked.post("/v1/send", value).status, 200)
            it.cli("token", "delete", "token-", "--account", "default")
            self.assertEqual(asked.post("/v1/send", value).status, 401)
            self.assertEqual(len(sink.wait_for(1)), 1)
            it.stop()

    def test_plain_http(self) -> None:
        """Over HTTP there is 400, unless a trusted proxy says that it came by HTTPS."""
        with Sink() as sink, Installation(sink.port, web='trusted_proxies = ["127.0.0.1"]') as it:
            asked = client(it)
            value = {"recipient": "b@y.example", "mime": MIME}
            self.assertEqual(asked.post("/v1/send", value).status, 400)
            self.assertEqual(asked.post("/v1/send", value, X_Forwarded_Proto="http").status, 400)
            self.assertEqual(asked.post("/v1/send", value, X_Forwarded_Proto="https").status, 200)

    def test_hosts(self) -> None:
        """The API is not on the tracking host."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, is_started=False) as it:
            text = it.config.read_text().replace("http://127.0.0.1:", "http://clicks.localhost:")
            it.config.write_text(text)
            it.start()
            asked = client(it)
            self.assertEqual(asked.get("/v1/nothing").json, {"error": {"message": "There is nothing of that name."}})
            reply = asked.ask("GET", "/v1/nothing", Host=f"clicks.localhost:{it.web_port}")
            self.assertEqual((reply.status, reply.headers["content-type"]), (404, "text/html; charset=utf-8"))
