"""Tests of C{POST /v1/preview}, in memory."""

from base64 import b64decode
from collections.abc import Sequence

from typing_extensions import override

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.preview import PreviewsBusy, PreviewTooLarge
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import Standing
from smtpeter.model.message import Draft, Submission
from smtpeter.model.preview import Preview, Signature
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.web.api.previewing import PreviewResources
from smtpeter.web.api.routes import Family
from smtpeter.web.api.sending import Sending
from tests.prepare.rig import submission
from tests.support.database import now
from tests.web.api.test_orders import MIME
from tests.web.api.test_sending import SendingTestCase

SUPPRESSED = "nothing is sent to this address: it is on the suppression list (complaint)"
VALUE = {"recipient": "b@y.example", "mime": MIME}


class Drawn:
    """Draws up what it is given, and shows what the test wants."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.failure: Exception | None = None
        self.shown: list[Preview] = []

    async def draw_up(self, draft: Draft) -> Submission:
        if self.failure is not None:
            raise self.failure
        self.drafts.append(draft)
        return submission(draft.content)

    async def preview(self, submission: Submission) -> Sequence[Preview]:
        return self.shown


class Failing(Drawn):
    """Draws up and shows nothing."""

    @override
    async def draw_up(self, draft: Draft) -> Submission:
        return submission(draft.content)

    @override
    async def preview(self, submission: Submission) -> Sequence[Preview]:
        assert self.failure is not None
        raise self.failure


def preview(content: bytes) -> Preview:
    """What may be shown."""
    return Preview(
        recipient="b@y.example",
        reverse_path="t@bounces.example",
        content=content,
        html=None,
        links={"https://c.example/t": "https://x.example/"},
        signature=Signature(domain="x.example", selector="s"),
        warnings=("so",),
    )


class PreviewTestCase(SendingTestCase):
    """An API that shows."""

    def source(self) -> Drawn:
        return Drawn()

    @override
    def families(self) -> list[Family]:  # type: ignore[override]
        (sending,) = super().families()
        assert isinstance(sending, Sending)
        self.drawn, self.book = self.source(), StoredSuppressions(database=self.database)
        made = PreviewResources(
            draft=sending.draft, intake=self.drawn, previews=self.drawn, suppressions=self.book, threads=self.threads
        )
        return [sending, made]


class ShownTests(PreviewTestCase):
    """What is asked and answered."""

    def test_answer(self) -> None:
        """The draft is that of a send; the answer has a message for each recipient; intake gets nothing."""
        self.drawn.shown = [preview(b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n"), preview(b"Subject: \xff\r\n")]
        reply = self.post("/v1/preview", VALUE, Idempotency_Key="k")
        first, second = reply.json["messages"]
        self.assertEqual(
            first,
            {
                "recipient": "b@y.example",
                "envelope": "t@bounces.example",
                "dkim": {"domain": "x.example", "selector": "s"},
                "warnings": ["so"],
                "links": {"https://c.example/t": "https://x.example/"},
                "html": None,
                "mime": "Subject: Grüße\r\n",
                "encoding": "utf-8",
            },
        )
        self.assertEqual((second["encoding"], b64decode(second["mime"])), ("base64", b"Subject: \xff\r\n"))
        self.assertEqual(self.intake.drafts, [])
        self.assertEqual(self.post("/v1/send", VALUE).status, 200)
        self.assertEqual(self.drawn.drafts, self.intake.drafts)

    def test_faults(self) -> None:
        """What a send refuses is refused alike, before anything is drawn up."""
        for value in ({}, {"recipient": "b@y.example"}, {**VALUE, "mime": MIME + "x" * 100_000}):
            replies = [self.post(path, value) for path in ("/v1/preview", "/v1/send")]
            self.assertEqual(replies[0].body, replies[1].body)
            self.assertIn(replies[0].status, (400, 413))
        many = {**VALUE, "recipients": [f"r{number}@y.example" for number in range(10)]}
        reply = self.post("/v1/preview", many)
        self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "recipients"))
        self.assertEqual(self.drawn.drafts, [])

    def test_refusals(self) -> None:
        """A sender domain that is not approved is a fault of the body; a busy store is 503."""
        self.drawn.failure = Refused(550, "5.7.1", "not from there")
        reply = self.post("/v1/preview", VALUE)
        self.assertEqual((reply.status, reply.json["error"]), (400, {"message": "not from there", "field": "mime"}))
        self.drawn.failure = StorageBusy("x")
        self.assertEqual(self.post("/v1/preview", VALUE).status, 503)

    def test_suppressed(self) -> None:
        """A recipient that would get nothing is told of, first of all; another account's list does not count."""
        self.drawn.shown = [preview(b"x")]
        for account_id, said in ((self.account.id + 1, []), (self.account.id, [SUPPRESSED])):
            entry = Suppression(
                account_id=account_id, address="B@y.example", reason=SuppressionReason.COMPLAINT, at=1.0
            )
            now(self.book.add([entry]))
            (one,) = self.post("/v1/preview", VALUE).json["messages"]
            self.assertEqual(one["warnings"], [*said, "so"])

    def test_standing(self) -> None:
        """A token must be for sending, and its account may have to wait for its approval."""
        self.add_token("reads", ["read"])
        self.assertEqual(self.post("/v1/preview", VALUE, token="reads").status, 403)
        self.add_token("pending", account=self.add_account("p", Standing.PENDING))
        self.assertEqual(self.post("/v1/preview", VALUE, token="pending").status, 403)
        self.assertEqual(self.drawn.drafts, [])


class BoundsTests(PreviewTestCase):
    """Too much."""

    @override
    def source(self) -> Drawn:
        return Failing()

    def test_bounds(self) -> None:
        """Too many at once are told to come again soon, and what is too large how much is shown."""
        self.drawn.failure = PreviewsBusy()
        reply = self.post("/v1/preview", VALUE)
        self.assertEqual((reply.status, reply.headers["retry-after"]), (429, "2"))
        self.drawn.failure = PreviewTooLarge(77)
        reply = self.post("/v1/preview", VALUE)
        self.assertEqual(reply.status, 413)
        self.assertIn("77 bytes", reply.error)
