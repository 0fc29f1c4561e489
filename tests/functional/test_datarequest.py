"""C{/v1/datarequest} as a client uses it: everything about an address, gathered by the server in the background."""

import json
import time
import urllib.parse
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

VALUE = {
    "recipients": ["Joe@y.example", "ann@y.example"],
    "from": "a@shop.example",
    "subject": "Grüße",
    "text": "Hällo",
    "html": "<p>Hällo <a href='https://shop.example/x'>x</a></p>",
    "tags": ["spring"],
    "attachments": [{"data": "aGVsbG8=", "name": "größe.txt", "type": "text/plain"}],
}
NOT_READY = "Data not available (yet)."


def wait_answer(asked: Client, request_id: str, seconds: float = 30.0) -> Any:
    """Ask until it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reply = asked.get(f"/v1/datarequest/{request_id}")
        assert reply.status == 200, reply
        if reply.json["data"] != NOT_READY:
            return reply.json
        time.sleep(0.2)
    raise AssertionError(f"no answer: {asked.it.log.read_text()}")


class DataRequestTests(SynchronousTestCase):
    """From the question to the answer."""

    def test_all(self) -> None:
        """The answer has message, events and list entry of the address, however it was written, and of no other."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            value = {**VALUE, "unsubscribe": {"oneclick": True}}
            ids = {recipient: id for id, recipient in asked.post("/v1/send", value).json.items()}
            it.wait_events("delivery", 2)
            reply = asked.post("/v1/datarequest", {"email": "joe@Y.example"})
            self.assertEqual(reply.status, 201, reply)
            self.assertEqual(list(reply.json), ["id"])
            self.assertEqual(reply.headers["location"], f"/v1/datarequest/{reply.json['id']}")
            found = wait_answer(asked, reply.json["id"])
            self.assertEqual(found["info"], {"type": "email", "id": "joe@y.example"})
            ((message, *events),) = found["data"]
            self.check_message(asked, ids["Joe@y.example"], message)
            self.assertEqual([one["event"] for one in events], ["attempt", "delivery"])
            self.assertEqual({one["data"]["id"] for one in events}, {ids["Joe@y.example"]})
            status = asked.get(f"/v1/datarequest/{reply.json['id']}/status").json
            self.assertEqual((status["status"], status["content-type"]), ("available", "application/json"))
            self.assertEqual(status["available"], len(json.dumps(found["data"], separators=(",", ":"))) - 2)
            self.check_strangers(it, reply.json["id"])
            it.stop()

    def check_message(self, asked: Client, message_id: str, message: dict[str, Any]) -> None:
        """It is as it was sent."""
        told = message["data"]
        self.assertEqual((message["type"], told["id"], told["recipient"]), ("message", message_id, "Joe@y.example"))
        self.assertEqual((told["state"], told["tags"], told["text"].strip()), ("delivered", ["spring"], "Hällo"))
        self.assertIn("<p>Hällo <a href=", told["html"])
        self.assertEqual(told["files"], [{"name": "größe.txt", "type": "text/plain", "size": 5}])
        sent = asked.get(f"/v1/mime/{message_id}").body.decode()
        self.assertEqual(told["mime"].partition("\r\nList-Unsubscribe:")[2], sent.partition("\r\nList-Unsubscribe:")[2])

    def check_strangers(self, it: Installation, request_id: str) -> None:
        """Another account has no such data request, and a token that may not read asks nothing."""
        it.cli("account", "create", "other")
        other = Client(it, it.cli("token", "create", "t", "--account", "other")["token"])
        sender = Client(it, it.cli("token", "create", "s", "--scope", "send", "--account", "default")["token"])
        for path in (f"/v1/datarequest/{request_id}", f"/v1/datarequest/{request_id}/status"):
            self.assertEqual(other.get(path).status, 404)
            self.assertEqual(sender.get(path).status, 403)
        self.assertEqual(sender.post("/v1/datarequest", {"email": "joe@y.example"}).status, 403)
        asked = other.post("/v1/datarequest", {"email": "joe@y.example"})
        self.assertEqual(wait_answer(other, asked.json["id"])["data"], [])

    def test_list(self) -> None:
        """The entry on the suppression list, and the event that led to it, are in the answer."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            value = {"recipient": "joe@y.example", "from": "a@shop.example", "text": "x"}
            ((message_id, _),) = asked.post("/v1/send", {**value, "unsubscribe": {"oneclick": True}}).json.items()
            (arrived,) = sink.wait_for(1)
            path = arrived.content.partition(b"List-Unsubscribe: <")[2].partition(b">")[0].decode()
            body = b"List-Unsubscribe=One-Click"
            self.assertEqual(Client(it, "").ask("POST", urllib.parse.urlsplit(path).path, body).status, 200)
            request_id = asked.post("/v1/datarequest", {"email": "joe@y.example"}).json["id"]
            of_message, (entry,) = wait_answer(asked, request_id)["data"]
            self.assertEqual(of_message[-1]["event"], "unsubscribe")
            self.assertEqual((entry["type"], entry["data"]["reason"]), ("suppression", "unsubscribe"))
            self.assertEqual((entry["data"]["address"], entry["data"]["message"]), ("joe@y.example", message_id))

    def test_form(self) -> None:
        """Form data does as well; faults are told."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            form = "application/x-www-form-urlencoded"
            reply = asked.ask("POST", "/v1/datarequest/", b"email=nobody@y.example", Content_Type=form)
            self.assertEqual(wait_answer(asked, reply.json["id"])["data"], [])
            for value, field in (
                ({}, "email"),
                ({"email": "x"}, "email"),
                ({"email": 5}, "email"),
                ({"email": "a@y.example", "monitor": "shop.example"}, "monitor"),
            ):
                refused = asked.post("/v1/datarequest", value)
                self.assertEqual((refused.status, refused.json["error"]["field"]), (400, field), value)
            self.assertEqual(asked.get("/v1/datarequest/x").status, 404)
            self.assertEqual(asked.get("/v1/datarequest/x/status").status, 404)

    def test_killed(self) -> None:
        """A crash in between costs time, and the answer is whole."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            for _ in range(3):
                asked.post("/v1/send", VALUE)
            it.wait_events("delivery", 6)
            request_id = asked.post("/v1/datarequest", {"email": "joe@y.example"}).json["id"]
            it.kill()
            it.start()
            found = wait_answer(asked, request_id)
            self.assertEqual([array[0]["data"]["recipient"] for array in found["data"]], ["Joe@y.example"] * 3)
