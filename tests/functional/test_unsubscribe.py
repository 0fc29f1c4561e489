"""Our own unsubscribe addresses as mail programs use them: real mail, real HTTPS, and curl."""

import email
import email.policy
import shutil
import subprocess
from email.message import EmailMessage

import dkim
from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

VALUE = {
    "recipients": ["b@y.example", "c@y.example"],
    "from": "a@shop.example",
    "subject": "News",
    "text": "Hello",
    "html": "<p>Hello</p>",
    "unsubscribe": {"oneclick": True, "email": "out@shop.example"},
}
PAIR = "List-Unsubscribe=One-Click"


def curl(it: Installation, *arguments: str) -> tuple[int, str]:
    """Run it with the installation's certificate. @return: the status, and the whole answer."""
    done = subprocess.run(
        ["curl", "-sS", "-i", "--cacert", str(it.certificate), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return int(done.stdout.split(" ", 2)[1]), done.stdout


def read(content: bytes) -> EmailMessage:
    """A mail, as the standard library reads it."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def address(message: EmailMessage) -> str:
    """Our address of a mail."""
    return str(message["List-Unsubscribe"]).partition(">")[0].removeprefix("<")


class UnsubscribeTests(SynchronousTestCase):
    """From the mail to the list."""

    def send(self, asked: Client, sink: Sink) -> dict[str, EmailMessage]:
        """Send to two. @return: what arrived by recipient."""
        reply = asked.post("/v1/send", VALUE)
        self.assertEqual(reply.status, 200, reply)
        self.ids = {recipient: id for id, recipient in reply.json.items()}
        self.raw = {one.recipients[0]: one.content for one in sink.wait_for(2)}
        return {recipient: read(content) for recipient, content in self.raw.items()}

    def test_one_click(self) -> None:
        """A mail program's POST puts the reader on the list with one event, however often; looking does not."""
        if shutil.which("curl") is None:
            self.fail("curl is missing")
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            arrived = self.send(asked, sink)
            self.check_fields(it, arrived)
            mine = address(arrived["b@y.example"])
            self.check_looking(it, mine)
            self.check_refused(it, mine)
            self.assertEqual(it.events("unsubscribe"), [])
            for form in (("--data", PAIR), ("--form", PAIR), ("--data", PAIR)):
                status, answer = curl(it, *form, mine)
                self.assertEqual(status, 200, answer)
                self.assertIn("You are unsubscribed", answer)
            (event,) = it.events("unsubscribe")
            self.assertEqual(
                (event["message_id"], event["data"]["recipient"]), (self.ids["b@y.example"], "b@y.example")
            )
            found = asked.get("/v1/events/email/b@y.example?extended=1").json
            self.assertEqual([one["event"] for one in found][-1], "unsubscribe")
            self.assertNotIn("unsubscribe", [one["event"] for one in asked.get("/v1/events/email/b@y.example").json])
            self.check_list(it, asked, sink)
            it.stop()

    def check_list(self, it: Installation, asked: Client, sink: Sink) -> None:
        """The list has the reader with the message, and mail to them goes out no more, while others get it."""
        (entry,) = asked.get("/v1/suppressions").json
        self.assertEqual((entry["address"], entry["reason"]), ("b@y.example", "unsubscribe"))
        self.assertEqual(asked.post("/v1/send", VALUE).status, 200)
        (suppressed,) = it.wait_events("suppressed")
        self.assertEqual(suppressed["data"]["recipient"], "b@y.example")
        self.assertEqual(sink.wait_for(3)[-1].recipients, ("c@y.example",))

    def check_fields(self, it: Installation, arrived: dict[str, EmailMessage]) -> None:
        """Each has its own address, under the tracking base, with the mailto, under the signature."""
        self.assertEqual(len({address(message) for message in arrived.values()}), 2)
        shown = it.cli("domain", "show", "shop.example")["records"]
        records = {record["name"]: record["value"] for record in shown if record["type"] == "TXT"}

        def lookup(name: bytes, timeout: int = 5) -> bytes:
            return str(records[name.decode().rstrip(".")]).encode()

        for recipient, message in arrived.items():
            self.assertTrue(address(message).startswith(f"{it.tracking_url}/u/"), message["List-Unsubscribe"])
            self.assertEqual(str(message["List-Unsubscribe"]), f"<{address(message)}>, <mailto:out@shop.example>")
            self.assertEqual(message["List-Unsubscribe-Post"], PAIR)
            fields = str(message["DKIM-Signature"]).replace(" ", "").lower().partition(";h=")[2].partition(";")[0]
            self.assertLessEqual({"list-unsubscribe", "list-unsubscribe-post"}, set(fields.split(":")))
            self.assertTrue(dkim.verify(self.raw[recipient], dnsfunc=lookup))

    def check_looking(self, it: Installation, mine: str) -> None:
        """GET shows the page with its headers, HEAD the headers."""
        status, page = curl(it, mine)
        self.assertEqual(status, 200)
        self.assertIn('<button type="submit">Unsubscribe</button>', page)
        for field in (
            "Cache-Control: no-store",
            "X-Robots-Tag: noindex",
            "X-Frame-Options: DENY",
            "default-src 'none'",
        ):
            self.assertIn(field, page)
        self.assertEqual(curl(it, "--head", mine)[0], 200)

    def check_refused(self, it: Installation, mine: str) -> None:
        """What is altered, says something else or is too large changes nothing."""
        altered = mine[:-1] + ("A" if mine[-1] != "A" else "B")
        self.assertEqual(curl(it, altered)[0], 404)
        self.assertEqual(curl(it, "--data", PAIR, altered)[0], 404)
        self.assertEqual(curl(it, "--data", "a=b", mine)[0], 400)
        self.assertEqual(curl(it, "--request", "POST", mine)[0], 400)
        self.assertEqual(curl(it, "--header", "Expect:", "--data", f"{PAIR}&a={'x' * 70_000}", mine)[0], 413)

    def test_resend(self) -> None:
        """A mail that is sent again has a new address; a restart and a lost content change nothing for the old one."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            mine = address(self.send(asked, sink)["c@y.example"])
            self.assertEqual(asked.post("/v1/resend", {"message": self.ids["c@y.example"]}).status, 200)
            again = read(sink.wait_for(3)[-1].content)
            self.assertNotEqual(address(again), mine)
            self.assertEqual(again["List-Unsubscribe-Post"], PAIR)
            shown = asked.get(f"/v1/headers/{self.ids['c@y.example']}").body.decode()
            self.assertIn(mine, shown)
            it.stop()
            it.start()
            self.assertEqual(curl(it, "--data", PAIR, mine)[0], 200)
            (event,) = it.events("unsubscribe")
            self.assertEqual(event["message_id"], self.ids["c@y.example"])

    def test_not_https(self) -> None:
        """Where the tracking host is not https the answer is 400 and says what to configure."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            reply = client(it).post("/v1/send", VALUE)
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "unsubscribe.oneclick"))
            self.assertIn("tracking.url", reply.json["error"]["message"])
            self.assertEqual(it.events(), [])
