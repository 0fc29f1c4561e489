"""The laws of what operators ask of the queue."""

from smtpeter.model.queue import Command
from tests.conformance.queue_store import QueueCase
from tests.conformance.samples import deferred, delivered, sample_submission
from tests.support.database import now


class QueueCommandLaws(QueueCase):
    """Commands reach what is stored and every node, once."""

    def test_retry_command(self) -> None:
        """A retry makes what it names due now, is told once, and leaves the rest alone."""
        named, other = self.shelve(sample_submission("a@example.com", "b@example.net"), is_claimed=True)
        for message_id in (named, other):
            now(self.queue.settle(deferred(message_id, until=5000.0)))
        command = Command(kind="retry", destination="example.com")
        self.assertEqual(now(self.site.view.add_command(command, 1500.0)), 1)
        self.assertEqual(now(self.queue.take_commands(1500.5)), [command])
        self.assertEqual(now(self.queue.take_commands(1501.5)), [])
        self.assertEqual([one.message.id for one in self.claim(at=1501.5)], [named])

    def test_command_counts(self) -> None:
        """Adding a command tells how many queued messages it applies to, claimed ones too, settled ones not."""
        done, held = self.shelve(sample_submission("a@example.com", "b@example.com"), is_claimed=True)
        (waiting,) = self.shelve(sample_submission("c@example.com", account_id=2))
        now(self.queue.settle(delivered(done)))
        wanted = [
            Command(kind="retry"),
            Command(kind="retry", message_id=held),
            Command(kind="retry", message_id=done),
            Command(kind="retry", account_id=2),
            Command(kind="retry", account_id=1, message_id=waiting),
        ]
        self.assertEqual([now(self.site.view.add_command(command, 1.0)) for command in wanted], [2, 1, 0, 1, 0])
        self.assertEqual(now(self.queue.take_commands(2.0)), wanted)

    def test_commands_reach_all_nodes(self) -> None:
        """Every live node is told a command; it is applied to what is stored by the first alone."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        now(self.queue.settle(deferred(message_id, until=5000.0)))
        other = self.enlisted("two")
        command = Command(kind="retry", message_id=message_id)
        now(self.site.view.add_command(command, 1000.0))
        self.assertEqual(now(self.queue.take_commands(1001.0)), [command])
        self.claim(at=1001.0)
        now(self.queue.settle(deferred(message_id, until=6000.0)))
        self.assertEqual(now(other.take_commands(1002.0)), [command])
        self.assertEqual(now(self.queue.next_due()), 6000.0)

    def test_command_before_start(self) -> None:
        """A command that was left while no server ran is carried out by the next."""
        command = Command(kind="retry", account_id=9)
        now(self.site.view.add_command(command, 900.0))
        self.assertEqual(now(self.enlisted("one").take_commands(1001.0)), [command])
