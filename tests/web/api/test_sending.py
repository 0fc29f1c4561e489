"""Tests of C{POST /v1/send}, in memory."""

from collections.abc import Sequence

from typing_extensions import override

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.storage import StorageFull
from smtpeter.model.account import Standing
from smtpeter.model.message import Recipient
from smtpeter.model.options import Features
from smtpeter.web.api.sending import Sending
from tests.support.intake import MemoryIntake
from tests.web.api.rig import APITestCase
from tests.web.api.test_orders import MIME


class SendTests(APITestCase):
    """What reaches intake, and what the client hears."""

    @override
    def families(self) -> Sequence[Sending]:
        self.intake = MemoryIntake()
        return [
            Sending(intake=self.intake, threads=self.threads, chance=lambda size: b"c" * size, max_message_size=100_000)
        ]

    def test_mime(self) -> None:
        """A message goes to intake for the token's account with the defaults of REST; ids come back."""
        reply = self.post("/v1/send", {"recipients": ["b@y.example", "c@y.example"], "mime": MIME})
        self.assertEqual(reply.status, 200)
        self.assertEqual(list(reply.json.values()), ["b@y.example", "c@y.example"])
        (draft,) = self.intake.drafts
        self.assertEqual((draft.account_id, draft.login_id, draft.reverse_path), (self.account.id, None, ""))
        self.assertEqual(draft.features, Features(trackclicks=True, trackopens=True, trackbounces=True))
        self.assertEqual(draft.content, MIME.replace("\n", "\r\n").encode())
        self.assertEqual((draft.trace.protocol, draft.trace.peer), ("HTTP", "192.168.1.1"))

    def test_everything(self) -> None:
        """Each property arrives where it belongs, from JSON and from a form alike."""
        value = {
            "recipient": "b@y.example",
            "envelope": "me@shop.example",
            "mime": MIME,
            "trackclicks": False,
            "tags": ["a", "b"],
            "dsn": {"notify": "NEVER", "ret": "FULL", "envid": "e"},
            "maxdelivertime": "2027-01-15 08:00:00",
        }
        form = (
            b"recipient=b%40y.example&envelope=me@shop.example&trackclicks=false&tags[]=a&tags[]=b&dsn[notify]=NEVER"
            b"&dsn[ret]=FULL&dsn[envid]=e&maxdelivertime=2027-01-15+08:00:00"
            b"&mime=From:+a@shop.example%0ASubject:+x%0A%0AHello%0A"
        )
        self.assertEqual(self.post("/v1/send", value).status, 200)
        self.ask("POST", "/v1/send", form, Content_Type="application/x-www-form-urlencoded")
        first, second = self.intake.drafts
        self.assertEqual(first, second)
        self.assertEqual(first.recipients, (Recipient(address="b@y.example", notify=frozenset({"NEVER"})),))
        self.assertEqual((first.reverse_path, first.ret, first.envid), ("me@shop.example", "FULL", "e"))
        self.assertEqual((first.tags, first.expires_at), (("a", "b"), 1_800_000_000.0))
        self.assertEqual(first.features, Features(trackopens=True, trackbounces=True))

    def test_refused(self) -> None:
        """What intake refuses is the client's to read; nothing of it is a server error."""
        for refused, status in (
            (Refused(550, "5.7.1", "You cannot send from x.example"), 403),
            (Refused(554, "5.6.0", "too deep"), 400),
            (Refused(451, "4.3.0", "later"), 503),
        ):
            self.intake.failure = refused
            reply = self.post("/v1/send", {"recipient": "b@y.example", "mime": MIME})
            self.assertEqual((reply.status, reply.json["error"]["message"]), (status, refused.text))
        self.intake.failure = StorageFull("x")
        self.assertEqual(self.post("/v1/send", {"recipient": "b@y.example", "mime": MIME}).status, 503)

    def test_may_not_send(self) -> None:
        """An account that is pending or suspended sends nothing, and neither does a token for reading."""
        for standing in (Standing.PENDING, Standing.SUSPENDED):
            self.add_token(standing.value, account=self.add_account(standing.value, standing))
            reply = self.post("/v1/send", {"recipient": "b@y.example", "mime": MIME}, token=standing.value)
            self.assertEqual((reply.status, reply.error), (403, f"The account is {standing.value} and may not send."))
        self.add_token("reader", ("read", "manage"))
        self.assertEqual(self.post("/v1/send", {}, token="reader").status, 403)
        self.assertEqual(self.intake.drafts, [])

    def test_too_large(self) -> None:
        """A message over the limit of messages is refused."""
        reply = self.post("/v1/send", {"recipient": "b@y.example", "mime": MIME + "x" * 100_000})
        self.assertEqual(reply.status, 413)
        self.assertEqual(self.intake.drafts, [])

    def test_faults(self) -> None:
        """All faults of a body are told, and nothing is handed in."""
        reply = self.post("/v1/send", {"recipient": "b", "tags": "a b", "mime": MIME})
        self.assertEqual(reply.status, 400)
        self.assertEqual([one["field"] for one in reply.json["errors"]], ["recipient", "tags"])
        self.assertEqual(reply.json["error"], reply.json["errors"][0])
        self.assertEqual(self.intake.drafts, [])
