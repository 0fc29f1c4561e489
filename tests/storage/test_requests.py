"""Tests of L{smtpeter.storage.requests}."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.requests import AlreadyAsked
from smtpeter.model.message import KEPT_SECONDS, Once, Recipient, Submission
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.requests import StoredRequests
from tests.conformance.samples import sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


class StoredRequestsLaws(Place):
    """The laws of requests under keys, and of mail that is sent again."""

    @override
    def setUp(self) -> None:
        database = self.open_database()
        self.queue = StoredQueue(database=database, node_id="one")
        now(self.queue.enlist(1.0))
        self.requests = StoredRequests(database=database)

    def store(self, key: str, fingerprint: bytes = b"f", at: float = 1000.0, account_id: int = 1) -> Submission:
        submission = evolve(sample_submission(), received_at=at, account_id=account_id)
        events = [sample_event(message.id) for message in submission.messages]
        now(self.queue.store(submission, events, False, Once(key=key, fingerprint=fingerprint)))
        return submission

    def test_found(self) -> None:
        """A key finds its request and the messages that it made, for its account, as long as it counts."""
        submission = self.store("k")
        found = now(self.requests.find_request(1, "k", 1000.0))
        assert found is not None
        self.assertEqual(found.fingerprint, b"f")
        self.assertEqual(found.recipients, {one.id: one.recipient.address for one in submission.messages})
        for account_id, key, since in ((2, "k", 0.0), (1, "K", 0.0), (1, "k", 1000.1)):
            self.assertIsNone(now(self.requests.find_request(account_id, key, since)))

    def test_once(self) -> None:
        """A key is taken once in an account: of the second request nothing is stored, neither message nor event."""
        self.store("k")
        self.store("k", account_id=2)
        waiting = len(now(self.queue.claim_due(1e9, 100, 1 << 20)))
        with self.assertRaises(AlreadyAsked):
            self.store("k", b"other")
        self.assertEqual(now(self.queue.claim_due(1e9, 100, 1 << 20)), [])
        self.assertGreater(waiting, 1)
        found = now(self.requests.find_request(1, "k", 0.0))
        assert found is not None
        self.assertEqual(found.fingerprint, b"f")

    def test_forgotten(self) -> None:
        """After a day a key may be used again."""
        self.store("k")
        second = self.store("k", b"other", 1000.5 + KEPT_SECONDS)
        found = now(self.requests.find_request(1, "k", 0.0))
        assert found is not None
        self.assertEqual((found.fingerprint, set(found.recipients)), (b"other", {one.id for one in second.messages}))

    def test_draft(self) -> None:
        """A message is found as it was handed in, for its account alone."""
        submission = sample_submission()
        recipient = Recipient(address="b@y.example", notify=frozenset({"DELAY"}), orcpt="rfc822;x@y")
        message = evolve(submission.messages[0], recipient=recipient)
        submission = evolve(submission, messages=(message, *submission.messages[1:]))
        now(self.queue.store(submission, [], False))
        found = now(self.requests.find_draft(submission.account_id, message.id))
        assert found is not None
        self.assertEqual((found.recipients, found.content), ((recipient,), submission.content))
        self.assertEqual((found.features, found.tags), (submission.features, submission.tags))
        wanted = (submission.reverse_path, submission.ret, submission.envid)
        self.assertEqual((found.reverse_path, found.ret, found.envid), wanted)
        self.assertEqual((found.is_utf8, found.once, found.expires_at), (submission.is_utf8, None, None))
        for account_id, id in ((submission.account_id + 1, message.id), (submission.account_id, "x"), (1, "x\0")):
            self.assertIsNone(now(self.requests.find_draft(account_id, id)))


class MemoryRequestsTests(InMemory, StoredRequestsLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLRequestsTests(OnPostgreSQL, StoredRequestsLaws, SynchronousTestCase):
    """On PostgreSQL."""
