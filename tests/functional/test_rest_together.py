"""Features of sending that were made apart, asked for in one mail."""

import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_hosted_images import PNG, embedded
from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

HELD, FREE = "held@y.example", "free@y.example"
VALUE = {
    "recipients": [HELD, FREE],
    "from": "a@shop.example",
    "subject": "All of it",
    "text": "Text",
    "html": "<body><p>x <img src='cid:logo'> <a href='https://shop.example/x'>x</a></p></body>",
    "attachments": [embedded("logo", PNG, "logo.png", "image/png")],
    "images": "hosted",
    "unsubscribe": {"oneclick": True},
    "tags": "all",
}
UNSUBSCRIBE = re.compile(r"List-Unsubscribe: <(https://localhost:\d+/u/[A-Za-z0-9_-]+)>")
KINDS = ("suppressed", "delivery")
IMAGE = re.compile(r"https://localhost:\d+/images/[0-9a-f]{40}/logo\.png")


def soft(content: str) -> str:
    """Without the soft line breaks of quoted-printable."""
    return content.replace("=\r\n", "")


class TogetherTests(SynchronousTestCase):
    """Hosted images, one-click unsubscribing, the suppression list, keys, and sending again."""

    def test_all(self) -> None:
        """Each does in a mail with the others what it does alone: previewed, sent, and sent again."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            self.assertEqual(asked.post("/v1/suppressions", {"address": HELD}).status, 200)
            shown = {one["recipient"]: one for one in asked.post("/v1/preview", VALUE).json["messages"]}
            self.assertIn("suppression list", shown[HELD]["warnings"][0])
            self.assertEqual(shown[FREE]["warnings"], [])
            sent = self.twice(asked, "/v1/send", VALUE, "first")
            self.assertEqual(list(sent.values()), [HELD, FREE])
            held, free = sent
            again = self.twice(asked, "/v1/resend", {"message": free}, "second")
            self.twice(asked, "/v1/resend", {"message": held}, "third")
            self.assertEqual(asked.post("/v1/send", VALUE, Idempotency_Key="second").status, 409)
            it.wait_events("delivery", 2)
            it.wait_events("suppressed", 2)
            self.assertEqual([one.recipients for one in sink.wait_for(2)], [(FREE,), (FREE,)])
            self.check_content([shown[FREE]["mime"], *(one.content.decode() for one in sink.arrived)])
            self.assertEqual(list(again.values()), [FREE])
            told = asked.get("/v1/tag/all").json
            self.assertEqual((told["messages"], told["deliveries"]), (4, 2))
            it.stop()

    def twice(self, asked: Client, path: str, value: Any, key: str) -> dict[str, str]:
        """Ask twice under a key; the answers are the same to the letter."""
        first, second = (asked.post(path, value, Idempotency_Key=key) for _ in range(2))
        self.assertEqual((first.status, second.body), (200, first.body))
        found: dict[str, str] = first.json
        return found

    def check_content(self, contents: list[str]) -> None:
        """All are signed, show one image from one address, and have each an unsubscribe address of its own."""
        images: set[str] = set()
        addresses: set[str] = set()
        for content in map(soft, contents):
            self.assertTrue(content.startswith("DKIM-Signature: "))
            self.assertNotIn("image/png", content)
            self.assertNotIn("https://shop.example/x", content)
            images.update(IMAGE.findall(content))
            addresses.update(UNSUBSCRIBE.findall(content))
        self.assertEqual((len(images), len(addresses)), (1, len(contents)))

    def test_many(self) -> None:
        """Of 10 000 recipients of one request those get nothing who are on the list; all have an id, in order."""
        recipients = [f"r{number}@y{number % 9}.example" for number in range(10_000)]
        held = {recipients[0], recipients[4711], recipients[-1]}
        value = {"recipients": recipients, "from": "a@shop.example", "text": "x", "tags": "many"}
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            for address in held:
                self.assertEqual(asked.post("/v1/suppressions", {"address": address}).status, 200)
            self.assertEqual(list(self.twice(asked, "/v1/send", value, "many").values()), recipients)
            reached = [one for arrived in sink.wait_for(9_997, 180.0) for one in arrived.recipients]
            self.assertEqual(sorted(reached), sorted(set(recipients) - held))
            it.stop()
            told = it.events("suppressed", "delivery")
            ended = {kind: {one["data"]["recipient"] for one in told if one["event"] == kind} for kind in KINDS}
            self.assertEqual(ended, {"suppressed": held, "delivery": set(recipients) - held})
            self.assertEqual(len(told), 10_000)
