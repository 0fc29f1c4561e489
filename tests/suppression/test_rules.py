"""Tests of L{smtpeter.suppression.rules}."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Queued
from smtpeter.model.outcome import Reason
from smtpeter.model.suppression import MAX_DESCRIPTION, Suppression, SuppressionReason
from smtpeter.suppression.rules import entry_of_expiry, entry_of_failure, held_back, held_back_reply
from tests.queue.samples import NOW, queued
from tests.support.relay import failed

ENTRY = Suppression(
    account_id=1,
    address="b@example.net",
    reason=SuppressionReason.HARD_BOUNCE,
    at=NOW,
    message_id="m1",
    description="550 5.1.1 no such user",
)


def addressed(address: str, domain: str) -> Queued:
    """A message to an address whose domain is looked up in another form."""
    about = queued()
    recipient = evolve(about.message.recipient, address=address)
    return evolve(about, message=evolve(about.message, recipient=recipient, domain=domain))


class EntryTests(SynchronousTestCase):
    """What puts an address on the list."""

    def test_hard_failure(self) -> None:
        """A hard failure does, with its time, its message and its reply, in the form in which addresses are listed."""
        about = addressed("B@Straße.example", "xn--strae-oqa.example")
        entry = entry_of_failure(about, failed(NOW + 5), "550 5.1.1 no such user")
        self.assertEqual(
            entry, evolve(ENTRY, address="b@xn--strae-oqa.example", at=NOW + 5, message_id=about.message.id)
        )

    def test_long_reply(self) -> None:
        """Of a long reply the front is kept."""
        entry = entry_of_failure(queued(), failed(NOW), "550 " + "x" * 3000)
        assert entry is not None
        self.assertEqual(entry.description, "550 " + "x" * (MAX_DESCRIPTION - 4))

    def test_other_failures(self) -> None:
        """One that is not hard does not, whatever its reason; a disabled mailbox is a candidate."""
        reasons: tuple[Reason, ...] = ("user_unknown", "mailbox_full", "policy", "spam", "network", "undefined")
        for reason in reasons:
            soft = evolve(failed(NOW), is_hard=False, reason=reason)
            self.assertIsNone(entry_of_failure(queued(), soft, "550"), reason)
        self.assertIsNotNone(
            entry_of_failure(queued(), evolve(failed(NOW), is_hard=False, reason="mailbox_disabled"), "550")
        )

    def test_expiry(self) -> None:
        """An expiry does if the address was unknown for now until the end."""
        entry = entry_of_expiry(queued(), NOW, "450 4.1.1 no such user yet")
        assert entry is not None
        self.assertEqual((entry.reason, entry.at), (SuppressionReason.HARD_BOUNCE, NOW))
        for told in ("", "450 4.2.0 later", "450 4.1.10 x", "450 4.2.0 not 4.1.1", "connection refused by 450 4.1.1"):
            self.assertIsNone(entry_of_expiry(queued(), NOW, told), told)

    def test_notices(self) -> None:
        """A notice of ours never does: its recipient is the sender."""
        about = queued(source="dsn", reverse_path="")
        self.assertIsNone(entry_of_failure(about, failed(NOW), "550 5.1.1"))
        self.assertIsNone(entry_of_expiry(about, NOW, "450 4.1.1"))


class HeldBackTests(SynchronousTestCase):
    """What is told of a message that is held back."""

    def test_event(self) -> None:
        """Its event has the entry's reason, time and words, and what all events of the message have."""
        about = queued()
        event = held_back(about.message, about.submission, ENTRY, NOW + 60)
        self.assertEqual((event.type, event.at, event.account_id), ("suppressed", NOW + 60, 1))
        self.assertEqual((event.message_id, event.recipient), (about.message.id, "b@example.net"))
        self.assertEqual(event.tags, ("news", "may"))
        self.assertEqual(
            event.data,
            {
                "envelope": "a@example.com",
                "reason": "hard_bounce",
                "listed": "2027-01-15 08:00:00",
                "description": "550 5.1.1 no such user",
                "templateid": "0",
            },
        )

    def test_reply(self) -> None:
        """In place of a reply stands why, since when, and what was said."""
        said = "on the suppression list since 2027-01-15 08:00:00: hard_bounce"
        self.assertEqual(held_back_reply(ENTRY), f"{said}; 550 5.1.1 no such user")
        self.assertEqual(held_back_reply(evolve(ENTRY, description="")), said)
