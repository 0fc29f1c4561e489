"""Tests of C{POST /v1/send} and C{/v1/resend}, in memory."""

import json
from collections.abc import Mapping, Sequence

from attrs import evolve
from twisted.internet.defer import Deferred
from typing_extensions import override

from smtpeter.boundaries.fetch import Fetched, FetchRefused
from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.requests import AlreadyAsked, Earlier
from smtpeter.boundaries.storage import StorageFull
from smtpeter.model.account import Standing
from smtpeter.model.message import Draft, Recipient, Trace
from smtpeter.model.options import Features
from smtpeter.web.api.files import Files
from smtpeter.web.api.once import OnceOnly
from smtpeter.web.api.sending import Sending
from tests.support.intake import MemoryIntake
from tests.web.api.rig import APITestCase
from tests.web.api.test_orders import MIME
from tests.web.test_requests import connect


class Archive:
    """
    What was asked and sent before.

    @ivar requests: by account and key.
    @ivar drafts: by account and message.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[int, str], Earlier] = {}
        self.drafts: dict[tuple[int, str], Draft] = {}
        self.since: list[float] = []

    async def find_request(self, account_id: int, key: str, since: float) -> Earlier | None:
        self.since.append(since)
        return self.requests.get((account_id, key))

    async def find_draft(self, account_id: int, message_id: str) -> Draft | None:
        return self.drafts.get((account_id, message_id))


class Elsewhere:
    """
    A network with one file.

    @ivar asked: URLs and limits.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []

    async def get(self, url: str, size_limit: int | None = None) -> Fetched:
        self.asked.append((url, size_limit))
        if not url.startswith("https://x.example/"):
            raise FetchRefused("it leads to an address that is not public")
        return Fetched(status=200, type="text/plain", charset="", content=b"x" * 70_000)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Fetched:
        raise NotImplementedError


class SendingTestCase(APITestCase):
    """An API that takes mail."""

    @override
    def families(self) -> Sequence[Sending]:
        self.intake, self.archive, self.elsewhere = MemoryIntake(), Archive(), Elsewhere()
        return [
            Sending(
                intake=self.intake,
                once=OnceOnly(self.archive, self.clock.seconds),
                sent=self.archive,
                files=Files(self.elsewhere, 100_000),
                threads=self.threads,
                chance=lambda size: b"c" * size,
                max_message_size=100_000,
                offers_unsubscribe=True,
            )
        ]


class SendTests(SendingTestCase):
    """What reaches intake, and what the client hears."""

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

    def test_own_unsubscribe(self) -> None:
        """One-click without a url is a feature of the mail, which nothing else switches on."""
        value = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "unsubscribe": {"oneclick": True}}
        self.assertEqual(self.post("/v1/send", value).status, 200)
        self.assertEqual(self.post("/v1/send", {**value, "unsubscribe": {"email": "u@shop.example"}}).status, 200)
        self.assertEqual([draft.features.unsubscribe for draft in self.intake.drafts], [True, False])

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
            (Refused(550, "5.7.1", "You cannot send from x.example"), 400),
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

    def attach(self, *urls: str, **more: str) -> dict[str, object]:
        """A mail with attachments by URL."""
        attachments = [{"url": url} for url in urls]
        return {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "attachments": attachments, **more}

    def test_urls(self) -> None:
        """Attachments are fetched before the answer, each once, and composed in a thread."""
        url = "https://x.example/a.txt"
        self.assertEqual(self.post("/v1/send", self.attach(url, url)).status, 413)
        self.assertEqual(self.post("/v1/send", self.attach(url)).status, 200)
        self.assertEqual(self.elsewhere.asked, [(url, 100_000), (url, 100_000)])
        self.assertIn(b'name="a.txt"', self.intake.drafts[0].content)
        self.assertEqual(self.threads.runs, 2)

    def test_urls_refused(self) -> None:
        """What cannot be fetched refuses the mail; what is wrong otherwise is told before anybody is asked."""
        reply = self.post("/v1/send", self.attach("https://x.example/a", "http://127.0.0.1/"))
        self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "attachments[1].url"))
        self.assertIn("not public", reply.error)
        self.assertEqual([left for _, left in self.elsewhere.asked], [100_000, 30_000])
        self.assertEqual(self.post("/v1/send", self.attach("https://x.example/a", tags="a b")).status, 400)
        self.assertEqual(self.post("/v1/send", {**self.attach("https://x.example/a"), "mime": MIME}).status, 400)
        many = [f"https://x.example/{number}" for number in range(21)]
        self.assertEqual(self.post("/v1/send", self.attach(*many)).status, 400)
        self.assertEqual(len(self.elsewhere.asked), 2)
        self.assertEqual(self.intake.drafts, [])

    def test_faults(self) -> None:
        """All faults of a body are told, and nothing is handed in."""
        reply = self.post("/v1/send", {"recipient": "b", "tags": "a b", "mime": MIME})
        self.assertEqual(reply.status, 400)
        self.assertEqual([one["field"] for one in reply.json["errors"]], ["recipient", "tags"])
        self.assertEqual(reply.json["error"], reply.json["errors"][0])
        self.assertEqual(self.intake.drafts, [])


class OnceTests(SendingTestCase):
    """Requests under a key."""

    value = {"recipient": "b@y.example", "mime": MIME}

    def keep(self, key: str) -> None:
        """Store the request that was handed in last."""
        once = self.intake.drafts[-1].once
        assert once is not None and once.key == key
        self.archive.requests[(self.account.id, key)] = Earlier(fingerprint=once.fingerprint, recipients={"m1": "b@y"})

    def test_repeated(self) -> None:
        """The same request again is answered as before and not sent again; a key counts for a day."""
        self.clock.advance(100_000)
        self.post("/v1/send", self.value, Idempotency_Key="k")
        self.keep("k")
        reply = self.post("/v1/send", self.value, Idempotency_Key="k")
        self.assertEqual((reply.status, reply.json), (200, {"m1": "b@y"}))
        self.assertEqual(len(self.intake.drafts), 1)
        self.assertEqual(self.archive.since, [13_600, 13_600])

    def test_other(self) -> None:
        """Another request under the same key is 409, even of another route; another account's key is its own."""
        self.post("/v1/send", self.value, Idempotency_Key="k")
        self.keep("k")
        self.assertEqual(self.post("/v1/send", {**self.value, "tags": "x"}, Idempotency_Key="k").status, 409)
        self.assertEqual(self.post("/v1/resend", self.value, Idempotency_Key="k").status, 409)
        self.add_token("other", account=self.add_account("b"))
        self.assertEqual(self.post("/v1/send", self.value, token="other", Idempotency_Key="k").status, 200)
        self.assertEqual(len(self.intake.drafts), 2)

    def test_running(self) -> None:
        """While the first request runs, the second is 409; what has failed may be asked again."""
        self.intake.gate = Deferred()
        protocol, transport = connect(self.site)
        body = json.dumps(self.value).encode()
        head = b"POST /v1/send?access_token=all HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        protocol.dataReceived(head + b"Idempotency-Key: k\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.assertEqual(self.post("/v1/send", self.value, Idempotency_Key="k").status, 409)
        self.intake.failure = StorageFull("x")
        self.intake.gate.callback(None)
        self.intake.gate = None
        self.assertIn(b"503 ", transport.value())
        self.intake.failure = None
        self.assertEqual(self.post("/v1/send", self.value, Idempotency_Key="k").status, 200)

    def test_race(self) -> None:
        """When another server was first, its answer is given; until it can be read there is 409."""
        self.post("/v1/send", self.value, Idempotency_Key="k")
        self.intake.failure = AlreadyAsked("k")
        self.assertEqual(self.post("/v1/send", self.value, Idempotency_Key="k").status, 409)
        find = self.archive.find_request

        async def find_late(account_id: int, key: str, since: float) -> Earlier | None:
            found = await find(account_id, key, since)
            self.keep("k")
            return found

        self.archive.find_request = find_late  # type: ignore[method-assign]
        reply = self.post("/v1/send", self.value, Idempotency_Key="k")
        self.assertEqual((reply.status, reply.json), (200, {"m1": "b@y"}))

    def test_keys(self) -> None:
        """A key has up to 255 printable characters."""
        for wrong in ("", "x" * 256, "k\xe9"):
            self.assertEqual(self.post("/v1/send", self.value, Idempotency_Key=wrong).status, 400, wrong)
        self.assertEqual(self.post("/v1/send", self.value, Idempotency_Key="x" * 255).status, 200)
        self.post("/v1/send", self.value)
        self.assertIsNone(self.intake.drafts[-1].once)


class ResendTests(SendingTestCase):
    """C{POST /v1/resend}"""

    def test_resend(self) -> None:
        """What was handed in goes to intake again as it was, under a new id; the trace is that of this request."""
        draft = Draft(
            account_id=self.account.id,
            login_id=None,
            features=Features(inlinecss=True),
            reverse_path="me@shop.example",
            recipients=(Recipient(address="b@y.example", orcpt="rfc822;x@y"),),
            content=b"From: a@shop.example\r\n\r\n",
            trace=Trace(protocol="ESMTPSA"),
            tags=("t",),
        )
        self.archive.drafts[(self.account.id, "m1")] = draft
        reply = self.post("/v1/resend", {"message": "m1"})
        self.assertEqual((reply.status, list(reply.json.values())), (200, ["b@y.example"]))
        self.assertEqual(self.intake.drafts, [evolve(draft, trace=self.intake.drafts[0].trace)])
        self.assertEqual(self.intake.drafts[0].trace.protocol, "HTTP")

    def test_wrong(self) -> None:
        """An id that is none, or another account's, is 404; none at all is 400."""
        self.add_token("other", account=self.add_account("b"))
        self.archive.drafts[(self.account.id, "m1")] = Draft(
            account_id=1,
            login_id=None,
            features=Features(),
            reverse_path="",
            recipients=(),
            content=b"",
            trace=Trace(protocol="HTTP"),
        )
        self.assertEqual(self.post("/v1/resend", {"message": "m1"}, token="other").status, 404)
        self.assertEqual(self.post("/v1/resend", {"message": "m2"}).status, 404)
        for wrong in ({}, {"message": ""}, {"message": 5}):
            reply = self.post("/v1/resend", wrong)
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "message"))
        self.assertEqual(self.intake.drafts, [])
