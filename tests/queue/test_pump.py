"""Tests of the pump as a whole: mail moves, waits, and is never lost."""

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import State, Submission
from smtpeter.model.options import Features
from smtpeter.model.queue import Command
from smtpeter.queue.claims import MAX_URGENT
from smtpeter.queue.gate import SendingStopped
from smtpeter.queue.lanes import PER_TURN
from smtpeter.storage.queue import StoredQueue
from tests.intake.stand import CONTENT as DRAFTED
from tests.intake.stand import draft, stand
from tests.queue.bench import Bench, bench, now
from tests.queue.samples import CONTENT, DAY, NOW, submission
from tests.support.relay import deferred, delivered, failed


class FastPathTests(SynchronousTestCase):
    """What intake hands over goes on in memory."""

    def test_delivered(self) -> None:
        """It is sent without being read from storage, settled, and forgotten."""
        desk = bench()
        desk.store.faults["claim_due"] = StorageBusy()
        mail = submission()
        self.assertTrue(desk.accept(mail))
        self.assertEqual(desk.pump.budget.messages, 1)
        desk.settle_down()
        job = desk.relay.jobs[mail.messages[0].id]
        self.assertEqual(now(job.render(False)), CONTENT)
        self.assertEqual(job.reverse_path, "a@example.com")
        self.assertEqual((job.domain, job.account_id, job.attempts), ("example.net", 1, 0))
        desk.relay.end_all(delivered())
        self.assertEqual(desk.states(mail), [State.DELIVERED])
        self.assertEqual(desk.events(mail.messages[0].id), ["delivery"])
        self.assertEqual((desk.pump.budget.messages, desk.pump.budget.size_bytes), (0, 0))

    def test_recorded(self) -> None:
        """The relay is told when the result that it reported is recorded, not before."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy()
        desk.relay.end_all(delivered())
        told: list[None] = []
        desk.relay.recorded[0].addCallback(told.append)
        self.assertEqual(told, [])
        del desk.store.faults["settle"]
        desk.settle_down(2)
        self.assertEqual(told, [None])

    def test_several_recipients(self) -> None:
        """A submission is prepared once; its messages share their content and end each for itself."""
        desk = bench()
        mail = submission(["b@example.net", "c@example.net", "d@example.org"])
        desk.accept(mail)
        desk.settle_down()
        self.assertEqual(desk.preparer.prepared, [mail.id])
        self.assertEqual({job.share_key for job in desk.relay.jobs.values()}, {mail.id})
        for message, outcome in zip(mail.messages, (delivered(), deferred(), failed()), strict=True):
            desk.relay.end(message.id, outcome)
        self.assertEqual(desk.states(mail), [State.DELIVERED, State.QUEUED, State.FAILED])
        self.assertEqual((desk.pump.budget.messages, desk.pump.budget.size_bytes), (0, 0))

    def test_bounce_addresses(self) -> None:
        """With an envelope address for each message nothing is shared, and the relay is told."""
        desk = bench()
        mail = submission(["b@example.net", "c@example.net"], features=Features(trackbounces=True))
        desk.accept(mail)
        desk.settle_down()
        jobs = [desk.relay.jobs[message.id] for message in mail.messages]
        self.assertEqual([job.share_key for job in jobs], [None, None])
        self.assertEqual([job.has_bounce_address for job in jobs], [True, True])
        self.assertEqual([job.reverse_path.partition("@")[0] for job in jobs], [m.id for m in mail.messages])

    def test_not_running(self) -> None:
        """Nothing is granted before the node is registered, and what is stored unclaimed is found afterwards."""
        desk = bench(is_started=False)
        mail = submission()
        self.assertFalse(desk.accept(mail))
        desk.pump.startService()
        desk.settle_down(1)
        self.assertIn(mail.messages[0].id, desk.relay.jobs)

    def test_client_gone(self) -> None:
        """While a message is stored whose client has hung up its room is held; then it goes on, or gives room back."""
        for is_stored in (True, False):
            desk = bench()
            intake = stand(desk.pump)
            intake.notebook.gate = gate = Deferred[None]()
            intake.notebook.failure = None if is_stored else StorageBusy()
            submitting = Deferred.fromCoroutine(intake.desk.submit(draft()))
            submitting.cancel()
            self.failureResultOf(submitting, CancelledError)
            desk.settle_down(5)
            self.assertEqual((desk.pump.budget.messages, desk.pump.budget.size_bytes), (1, len(DRAFTED)))
            gate.callback(None)
            desk.settle_down()
            self.assertEqual((len(desk.relay.jobs), desk.pump.budget.messages), (is_stored, is_stored))
            self.assertEqual(desk.pump.budget.size_bytes, len(DRAFTED) * is_stored)

    def test_given_back(self) -> None:
        """A reservation that is not used leaves no trace."""
        desk = bench()
        self.assertTrue(desk.pump.reserve(5, 1000, 1, {"example.net"}))
        desk.pump.give_back(5, 1000)
        self.assertEqual((desk.pump.budget.messages, desk.pump.budget.size_bytes), (0, 0))


class RetryTests(SynchronousTestCase):
    """Deferred messages come back."""

    def test_when_due(self) -> None:
        """A deferred message leaves the memory and is sent again when it falls due, with its attempts counted."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred())
        self.assertEqual(desk.pump.budget.messages, 0)
        desk.settle_down(298)
        self.assertEqual(desk.relay.jobs, {})
        desk.settle_down(4)
        self.assertEqual([job.attempts for job in desk.relay.jobs.values()], [1])

    def test_at_the_moment(self) -> None:
        """The pump wakes at the moment a message falls due, not up to a second later."""
        desk = bench()
        desk.accept(submission())
        desk.settle_down()
        desk.relay.end_all(deferred(retry_at=desk.clock.seconds() + 100.25 / 1.1))
        desk.settle_down(100)
        self.assertEqual(desk.relay.jobs, {})
        desk.clock.pump([0.26, 0.0, 0.0, 0.0])
        self.assertEqual(len(desk.relay.jobs), 1)

    def test_shared(self) -> None:
        """What counts against the destination does not count as an attempt of the message."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred(retry_at=NOW + 60, is_shared=True))
        self.assertEqual(desk.message(mail.messages[0].id).attempts, 0)

    def test_expired(self) -> None:
        """A message past its time is given up with its last reply, and never attempted."""
        desk = bench()
        mail = submission(reverse_path="")
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred(retry_at=NOW + 2 * DAY))
        desk.clock.advance(DAY + 1)
        desk.settle_down(2)
        self.assertEqual(desk.relay.seen.count(mail.messages[0].id), 1)
        view = desk.message(mail.messages[0].id)
        self.assertEqual((view.state, view.last_reply), (State.EXPIRED, "450 4.2.0 come back later"))
        self.assertEqual(desk.pump.budget.messages, 0)
        self.assertEqual(desk.preparer.prepared, [mail.id])

    def test_expired_meanwhile(self) -> None:
        """A message whose time ends while it is prepared is given up, not sent."""
        desk = bench()
        desk.preparer.is_slow_with_styles = True
        mail = submission(features=Features(inlinecss=True))
        desk.accept(mail)
        desk.settle_down()
        desk.clock.advance(DAY + 1)
        desk.preparer.go_on()
        desk.settle_down()
        self.assertEqual((desk.relay.seen, desk.states(mail)), ([], [State.EXPIRED]))

    def test_command(self) -> None:
        """An operator's retry is carried out within a second: pauses of the destination are forgotten too."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred())
        now(desk.view.add_command(Command(kind="retry", message_id=mail.messages[0].id), desk.clock.seconds()))
        desk.settle_down(1)
        self.assertEqual(list(desk.relay.jobs), [mail.messages[0].id])
        self.assertEqual(desk.relay.forgotten, ["example.net"])
        now(desk.view.add_command(Command(kind="retry", destination="example.org"), desk.clock.seconds()))
        desk.settle_down(1)
        self.assertEqual(desk.relay.forgotten, ["example.net", "example.org"])


class UrgentTests(SynchronousTestCase):
    """Messages that an operator names."""

    def test_gone_ones_give_way(self) -> None:
        """Retries of messages that are queued no more take no memory for ever, and keep no later one from working."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred(retry_at=NOW + 1000))
        wanted = mail.messages[0].id
        for message_id in [*(f"gone{number}" for number in range(MAX_URGENT)), wanted]:
            now(desk.view.add_command(Command(kind="retry", message_id=message_id), NOW))
        desk.settle_down(2)
        self.assertEqual(desk.relay.forgotten, [mail.messages[0].domain])
        self.assertEqual(desk.relay.seen.count(wanted), 2)

    def test_once(self) -> None:
        """A retry that was asked for forgets the pauses of a destination once, not with every attempt from then on."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(deferred())
        now(desk.view.add_command(Command(kind="retry", message_id=mail.messages[0].id), NOW))
        desk.settle_down(1)
        desk.relay.end_all(deferred())
        desk.settle_down(4000)
        self.assertEqual(desk.relay.seen, [mail.messages[0].id] * 3)
        self.assertEqual(desk.relay.forgotten, [mail.messages[0].domain])


class PreparingTests(SynchronousTestCase):
    """Faults and slowness of preparing."""

    def test_storage_busy(self) -> None:
        """Keys that cannot be read defer the message for a while and cost it no attempt."""
        desk = bench()
        mail = submission()
        desk.preparer.faults[mail.id] = StorageBusy()
        desk.accept(mail)
        desk.settle_down()
        self.assertEqual(desk.events(mail.messages[0].id), ["deferral"])
        self.assertEqual(desk.message(mail.messages[0].id).attempts, 0)
        desk.preparer.faults.clear()
        desk.settle_down(40)
        self.assertIn(mail.messages[0].id, desk.relay.jobs)

    def test_fault(self) -> None:
        """A submission that makes the preparer fail is logged, deferred in state prepare, and not lost."""
        desk = bench()
        mail = submission()
        desk.preparer.faults[mail.id] = ZeroDivisionError()
        desk.accept(mail)
        desk.settle_down()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        view = desk.message(mail.messages[0].id)
        self.assertEqual((view.state, view.attempts, view.events[0].data["state"]), (State.QUEUED, 1, "prepare"))

    def test_costly_lane(self) -> None:
        """Style sheets occupy their own places only: other mail goes by, and so do more of them in turn."""
        desk = bench(costly_places=2)
        desk.preparer.is_slow_with_styles = True
        for _ in range(5):
            desk.accept(submission(features=Features(inlinecss=True)))
        plain = submission()
        desk.accept(plain)
        desk.settle_down()
        self.assertEqual(list(desk.relay.jobs), [plain.messages[0].id])
        self.assertEqual(desk.preparer.waiting, 2)
        for _ in range(3):
            desk.preparer.go_on()
            desk.settle_down()
        self.assertEqual(len(desk.relay.jobs), 6)

    def test_places(self) -> None:
        """All places are taken, however many, and a place is free again whatever the end of its load was."""
        desk = bench(costly_places=PER_TURN + 4)
        desk.preparer.is_slow_with_styles = True
        for _ in range(PER_TURN + 10):
            desk.accept(submission(features=Features(inlinecss=True)))
        desk.settle_down()
        self.assertEqual(desk.preparer.waiting, PER_TURN + 4)
        for fault in (StorageBusy(), ZeroDivisionError()):
            desk = bench(costly_places=1, quick_places=1)
            for features in (Features(), Features(inlinecss=True)):
                broken, whole = submission(features=features), submission(features=features)
                desk.preparer.faults[broken.id] = fault
                desk.accept(broken)
                desk.accept(whole)
                desk.settle_down()
                self.assertIn(whole.messages[0].id, desk.relay.jobs)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_not_while_closed(self) -> None:
        """While results cannot be recorded nothing is prepared."""
        desk = bench()
        first = submission()
        desk.accept(first)
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy()
        self.assertTrue(desk.accept(second := submission()))
        desk.relay.end_all(delivered())
        desk.settle_down(1)
        self.assertEqual(desk.preparer.prepared, [first.id])
        desk.store.faults.clear()
        desk.settle_down(5)
        self.assertEqual(desk.preparer.prepared, [first.id, second.id])
        self.assertIn(second.messages[0].id, desk.relay.jobs)

    def test_ready_while_closed(self) -> None:
        """What gets ready while results cannot be recorded is kept, and sent as soon as they can."""
        desk = bench()
        desk.preparer.is_slow_with_styles = True
        first, second = submission(), submission(features=Features(inlinecss=True))
        desk.accept(first)
        desk.accept(second)
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy()
        desk.relay.end_all(delivered())
        desk.preparer.go_on()
        desk.settle_down(2)
        self.assertEqual(desk.relay.jobs, {})
        desk.store.faults.clear()
        desk.settle_down(5)
        self.assertEqual(list(desk.relay.jobs), [second.messages[0].id])

    def test_accounts_take_turns(self) -> None:
        """Behind a flood of one account's costly mail another's is second in line."""
        desk = bench(costly_places=1)
        desk.preparer.is_slow_with_styles = True
        for _ in range(10):
            desk.accept(submission(features=Features(inlinecss=True)))
        other = submission(account_id=2, features=Features(inlinecss=True))
        desk.accept(other)
        desk.settle_down()
        for _ in range(2):
            desk.preparer.go_on()
            desk.settle_down()
        self.assertIn(other.messages[0].id, desk.relay.jobs)

    def test_warnings(self) -> None:
        """What preparing could not do is on record."""
        desk = bench()
        desk.preparer.warnings = ("style sheet 1 took too long",)
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.relay.end_all(delivered())
        self.assertEqual(desk.message(mail.messages[0].id).events[0].data["warnings"], "style sheet 1 took too long")


class MemoryTests(SynchronousTestCase):
    """Bounds, and who is held back by them."""

    def test_bound(self) -> None:
        """More than the bounds allow is stored unclaimed and comes into memory as it becomes free."""
        desk = bench(max_messages=16, claim_limit=4)
        mails = [submission([f"b@d{number}.example"], account_id=number) for number in range(40)]
        taken = [desk.accept(mail) for mail in mails]
        self.assertEqual(taken.count(True), 16)
        desk.settle_down(3)
        self.assertEqual(len(desk.relay.jobs), 16)
        for _ in range(30):
            desk.relay.end_all(delivered())
            desk.settle_down()
            self.assertLessEqual(desk.pump.budget.messages, 16)
        self.assertEqual({state for mail in mails for state in desk.states(mail)}, {State.DELIVERED})
        self.assertEqual((desk.pump.budget.messages, desk.pump.budget.size_bytes), (0, 0))

    def test_bytes(self) -> None:
        """Contents are bounded too; one that is larger than the memory still passes, alone."""
        desk = bench(max_bytes=100_000)
        large = submission(content=CONTENT + b"x" * 200_000)
        self.assertFalse(desk.accept(large))
        desk.settle_down(2)
        self.assertEqual(list(desk.relay.jobs), [large.messages[0].id])
        desk.store_unclaimed(submission())
        desk.settle_down(2)
        self.assertEqual(len(desk.relay.jobs), 1)
        desk.relay.end_all(delivered())
        desk.settle_down(2)
        self.assertEqual(len(desk.relay.jobs), 1)
        self.assertEqual(len(desk.relay.seen), 2)

    def test_flood_of_an_account(self) -> None:
        """One account's flood takes half of the memory; another's mail goes out at once, fresh or stored."""
        desk = bench(max_messages=40, claim_limit=10)
        for number in range(60):
            desk.accept(submission([f"b@d{number}.example"]))
        desk.settle_down(3)
        self.assertLessEqual(len(desk.relay.jobs), 30)
        other, stored = submission(account_id=2), submission(account_id=2)
        self.assertTrue(desk.accept(other))
        desk.store_unclaimed(stored)
        desk.settle_down(2)
        self.assertIn(other.messages[0].id, desk.relay.jobs)
        self.assertIn(stored.messages[0].id, desk.relay.jobs)

    def test_slow_destination(self) -> None:
        """A destination that takes nothing holds a part of the memory; mail for others goes by."""
        desk = bench(max_messages=40, claim_limit=5)
        for _ in range(60):
            desk.accept(submission(["b@slow.example"]))
        desk.settle_down(3)
        self.assertLessEqual(len(desk.relay.jobs), 13)
        other, stored = submission(), submission()
        self.assertTrue(desk.accept(other))
        desk.store_unclaimed(stored)
        desk.settle_down(2)
        self.assertIn(other.messages[0].id, desk.relay.jobs)
        self.assertIn(stored.messages[0].id, desk.relay.jobs)

    def test_refilled(self) -> None:
        """When a destination that was held back takes mail again, more of it comes at once, not at the next look."""
        desk = bench(max_messages=40, claim_limit=5)
        for _ in range(60):
            desk.accept(submission(["b@slow.example"]))
        desk.settle_down(3)
        desk.relay.end_all(delivered())
        desk.settle_down()
        self.assertNotEqual(desk.relay.jobs, {})

    def test_large_backlog(self) -> None:
        """
        Large contents fill what a claim may take before its number does; the next claim follows at once, and as soon
        as some of them have gone, not at the next look.
        """
        desk = bench(max_bytes=400_000)
        for number in range(40):
            desk.store_unclaimed(submission([f"b@d{number}.example"], content=CONTENT + b"x" * 30_000))
        desk.settle_down(1)
        first = len(desk.relay.seen)
        # A claim takes three of them, a quarter of the memory; an account may hold half of what is there.
        self.assertGreater(first, 3)
        desk.relay.end_all(delivered())
        for _ in range(3):
            desk.clock.advance(0.06)
        self.assertGreater(len(desk.relay.seen), first)

    def test_turned_away(self) -> None:
        """Mail that found no room when it came is in memory as soon as there is some, not at the next look."""
        desk = bench(max_messages=8)
        for number in range(8):
            self.assertTrue(desk.accept(submission([f"b@d{number}.example"], account_id=number)))
        desk.settle_down(0.5)
        desk.accept(late := submission(["b@late.example"], account_id=9))
        desk.relay.end_all(delivered())
        desk.settle_down()
        self.assertIn(late.messages[0].id, desk.relay.jobs)


class RecordingTests(SynchronousTestCase):
    """Results that cannot be written."""

    def test_retried(self) -> None:
        """A result is kept and written when storage is back; the message is not sent again meanwhile."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy()
        desk.relay.end_all(delivered())
        desk.settle_down(100)
        self.assertEqual(desk.states(mail), [State.QUEUED])
        self.assertEqual(desk.pump.budget.messages, 1)
        desk.store.faults.clear()
        desk.settle_down(31)
        self.assertEqual(desk.states(mail), [State.DELIVERED])
        self.assertEqual(desk.relay.seen, [mail.messages[0].id])
        self.assertEqual(desk.pump.budget.messages, 0)

    def test_sending_stops(self) -> None:
        """While results cannot be written nothing new is sent, and contents are held back from what waits in the
        relay; all of it goes on afterwards."""
        desk = bench()
        first, second = submission(), submission()
        desk.accept(first)
        desk.accept(second)
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy()
        desk.relay.end(first.messages[0].id, delivered())
        desk.store_unclaimed(third := submission())
        self.assertFalse(desk.pump.reserve(1, 1, 1, {"example.net"}))
        rendering = desk.relay.jobs[second.messages[0].id].render(False)
        rendered: list[bytes] = []

        async def render() -> None:
            rendered.append(await rendering)

        _ = Deferred.fromCoroutine(render())
        desk.settle_down(5)
        self.assertEqual(rendered, [])
        self.assertNotIn(third.messages[0].id, desk.relay.jobs)
        desk.store.faults.clear()
        desk.settle_down(10)
        self.assertEqual(rendered, [CONTENT])
        self.assertIn(third.messages[0].id, desk.relay.jobs)

    def test_claim_lost(self) -> None:
        """A result that is refused because the claim is lost is dropped, and what holds the message in memory too."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        now(desk.shelf.enlist(desk.clock.seconds()))
        desk.relay.end_all(delivered())
        desk.settle_down()
        self.assertEqual(desk.states(mail), [State.QUEUED])
        self.assertEqual(desk.pump.budget.messages, 0)

    def test_fault(self) -> None:
        """One result that storage cannot take for a fault of ours stops neither the others nor sending."""
        desk = bench()
        first, second = submission(), submission()
        desk.accept(first)
        desk.accept(second)
        desk.settle_down()
        desk.store.faults["settle"] = ZeroDivisionError()
        desk.relay.end(first.messages[0].id, delivered())
        desk.store.faults.clear()
        desk.relay.end(second.messages[0].id, delivered())
        self.assertEqual(desk.states(second), [State.DELIVERED])
        desk.settle_down(2)
        self.assertEqual(desk.states(first), [State.DELIVERED])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LeaseTests(SynchronousTestCase):
    """The heartbeat."""

    def test_renewed(self) -> None:
        """The lease is renewed three times in its length."""
        desk = bench()
        desk.settle_down(30)
        self.assertEqual(desk.store.calls.count("renew"), 3)

    def test_lost(self) -> None:
        """When another process has the node's identity nothing is claimed or sent any more."""
        desk = bench()
        waiting = submission()
        desk.accept(waiting)
        desk.settle_down()
        with capturedLogs() as said:
            self.lose(desk, waiting)
        formats = [str(event["log_format"]) for event in said]
        self.assertTrue(any("restart it" in one for one in formats))
        # That the lease runs out as well would be no news: no renewal would help.
        self.assertFalse(any("has run out" in one for one in formats))

    def lose(self, desk: Bench, waiting: Submission) -> None:
        """Have another process take the node's identity, and look at what follows."""
        usurper = StoredQueue(database=desk.database, node_id="node", lease_seconds=30.0)
        now(usurper.enlist(desk.clock.seconds()))
        desk.settle_down(11)
        mail = submission()
        self.assertFalse(desk.accept(mail))
        desk.settle_down(60)
        self.assertNotIn(mail.messages[0].id, desk.relay.jobs)
        with self.assertRaises(SendingStopped):
            now(desk.relay.jobs[waiting.messages[0].id].render(False))
        desk.stop()
        self.assertNotIn("release", desk.store.calls)

    def test_lapsed(self) -> None:
        """A lease that ran out stops sending; renewed again, what was held is given back and claimed anew."""
        desk = bench()
        desk.preparer.is_slow_with_styles = True
        mail = submission(features=Features(inlinecss=True))
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        self.assertFalse(desk.pump.reserve(1, 1, 1, ()))
        desk.preparer.is_slow_with_styles = False
        desk.preparer.go_on()
        desk.settle_down(5)
        self.assertEqual(desk.relay.jobs, {})
        desk.store.faults.clear()
        desk.settle_down(15)
        self.assertIn(mail.messages[0].id, desk.relay.jobs)
        self.assertEqual(desk.pump.budget.messages, 1)

    def test_turned_away(self) -> None:
        """A message that the relay could not get the content of, since the lease had run out, was not attempted."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        with self.assertRaises(SendingStopped):
            now(desk.relay.jobs[mail.messages[0].id].render(False))
        desk.relay.end_all(evolve(deferred(), stage="prepare"))
        desk.store.faults.clear()
        desk.settle_down(15)
        self.assertEqual(desk.events(mail.messages[0].id), [])
        self.assertEqual(len(desk.relay.jobs), 1)

    def test_slow_renewal(self) -> None:
        """A lease counts from when its renewal was asked for, not from when it was confirmed."""
        desk = bench()
        desk.settle_down(9.5)
        desk.store.held.add("renew")
        desk.settle_down(15)
        desk.store.let_go()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(15)
        self.assertTrue(desk.pump.is_moving)
        desk.settle_down(1)
        self.assertFalse(desk.pump.is_moving)

    def test_let_go(self) -> None:
        """When the lease has run out what waits in memory is let go: it may be somebody else's."""
        desk = bench(costly_places=1)
        desk.preparer.is_slow_with_styles = True
        for _ in range(5):
            desk.accept(submission(features=Features(inlinecss=True)))
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        self.assertEqual(desk.pump.budget.messages, 1)

    def test_ready_too_late(self) -> None:
        """What gets ready with a claim from before is given back; its new claim is what is sent."""
        desk = bench()
        desk.preparer.is_slow_with_styles = True
        mail = submission(features=Features(inlinecss=True))
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        desk.store.faults.clear()
        desk.settle_down(15)
        desk.preparer.is_slow_with_styles = False
        desk.preparer.go_on()
        desk.settle_down(2)
        self.assertEqual(desk.relay.seen, [mail.messages[0].id])
        self.assertEqual(now(desk.relay.jobs[mail.messages[0].id].render(False)), CONTENT)

    def test_handed_over_meanwhile(self) -> None:
        """What was accepted while the lease had run out goes on when it is renewed."""
        desk = bench()
        mail = submission()
        self.assertTrue(desk.pump.reserve(1, len(mail.content), 1, {"example.net"}))
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        now(desk.shelf.store(mail, (), True))
        desk.pump.hand_over(mail)
        desk.settle_down(2)
        self.assertEqual(desk.relay.jobs, {})
        desk.store.faults.clear()
        desk.settle_down(10)
        self.assertEqual(list(desk.relay.jobs), [mail.messages[0].id])

    def test_result_after_the_lease(self) -> None:
        """A result of what was sent before the lease ran out counts, and is no reason to send again."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        desk.relay.end_all(delivered())
        desk.store.faults.clear()
        desk.settle_down(15)
        self.assertEqual((desk.states(mail), len(desk.relay.seen)), ([State.DELIVERED], 1))

    def test_claimed_again_meanwhile(self) -> None:
        """A message that somebody else took and gave back, while it is still open here, is not sent a second time."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.faults["renew"] = StorageBusy()
        desk.settle_down(31)
        other = StoredQueue(database=desk.database, node_id="other", lease_seconds=30.0)
        now(other.enlist(desk.clock.seconds()))
        taken = [queued.message.id for queued in now(other.claim_due(desk.clock.seconds(), 10, 1 << 30))]
        self.assertEqual(taken, [mail.messages[0].id])
        now(other.release(taken))
        desk.store.faults.clear()
        desk.settle_down(15)
        self.assertEqual((desk.relay.seen, desk.pump.budget.messages), (taken, 1))
        desk.relay.end_all(delivered())
        desk.settle_down()
        self.assertEqual((desk.states(mail), desk.pump.budget.messages), ([State.DELIVERED], 0))


class StopTests(SynchronousTestCase):
    """A stop in good order."""

    def test_released(self) -> None:
        """What was not sent is given back unattempted; another start finds it at once."""
        desk = bench()
        desk.preparer.is_slow_with_styles = True
        at_relay, preparing = submission(), submission(features=Features(inlinecss=True))
        desk.accept(at_relay)
        desk.accept(preparing)
        desk.settle_down()
        desk.accept(fresh := submission())
        desk.stop()
        self.assertEqual(desk.pump.budget.messages, 0)
        self.assertEqual(
            {queued.message.id for queued in now(desk.shelf.claim_due(desk.clock.seconds(), 10, 1 << 30))},
            {mail.messages[0].id for mail in (at_relay, preparing, fresh)},
        )
        self.assertEqual(self.pending(desk.clock), [])

    def test_results_awaited(self) -> None:
        """A stop waits for results that storage is still writing."""
        desk = bench()
        mail = submission()
        desk.accept(mail)
        desk.settle_down()
        desk.store.held.add("settle")
        desk.relay.end_all(delivered())
        stopped = desk.pump.stopService()
        self.assertNoResult(stopped)
        desk.store.let_go()
        desk.settle_down()
        self.successResultOf(stopped)
        self.assertEqual(desk.states(mail), [State.DELIVERED])

    def test_bounded(self) -> None:
        """A stop does not wait forever for a storage that is away; nothing is lost by that."""
        desk = bench()
        mail, other = submission(), submission()
        desk.accept(mail)
        desk.accept(other)
        desk.settle_down()
        desk.store.faults["settle"] = desk.store.faults["release"] = StorageBusy()
        desk.relay.end(mail.messages[0].id, delivered())
        desk.stop()
        self.assertEqual(desk.unclaimed(), {mail.messages[0].id, other.messages[0].id})
        self.assertEqual(self.pending(desk.clock), [])

    def test_while_claiming(self) -> None:
        """Messages that arrive from storage during a stop are given back."""
        desk = bench()
        desk.store_unclaimed(mail := submission())
        desk.store.held.add("claim_due")
        desk.settle_down(2)
        stopped = desk.pump.stopService()
        desk.store.let_go()
        desk.settle_down()
        self.successResultOf(stopped)
        self.assertEqual(desk.relay.seen, [])
        found = now(desk.shelf.claim_due(desk.clock.seconds(), 10, 1 << 30))
        self.assertEqual([queued.message.id for queued in found], [mail.messages[0].id])

    def test_handed_over_late(self) -> None:
        """What is handed over during a stop is given back unprepared."""
        desk = bench()
        desk.accept(first := submission())
        desk.settle_down()
        late = submission()
        self.assertTrue(desk.pump.reserve(1, len(late.content), 1, {"example.net"}))
        desk.store.held.add("settle")
        desk.relay.end_all(delivered())
        stopped = desk.pump.stopService()
        now(desk.shelf.store(late, (), True))
        desk.pump.hand_over(late)
        desk.settle_down(1)
        desk.store.let_go()
        desk.settle_down()
        self.successResultOf(stopped)
        self.assertEqual((desk.preparer.prepared, desk.pump.budget.messages), ([first.id], 0))
        found = now(desk.shelf.claim_due(desk.clock.seconds(), 10, 1 << 30))
        self.assertEqual([queued.message.id for queued in found], [late.messages[0].id])

    def test_contents_held_back(self) -> None:
        """Who waits for a content that may not be sent now is turned away by a stop, and holds nothing up."""
        desk = bench()
        first, second = submission(), submission()
        desk.accept(first)
        desk.accept(second)
        desk.settle_down()
        rendering = desk.relay.jobs[second.messages[0].id].render(False)
        desk.store.faults["settle"] = StorageBusy()
        desk.relay.end(first.messages[0].id, delivered())

        async def render() -> bytes:
            return await rendering

        waiting = Deferred.fromCoroutine(render())
        self.assertNoResult(waiting)
        _ = desk.pump.stopService()
        self.failureResultOf(waiting, SendingStopped)

    def test_before_registered(self) -> None:
        """It stops while it still tries to register."""
        desk = bench(is_started=False)
        desk.store.faults["enlist"] = StorageBusy()
        desk.pump.startService()
        desk.settle_down(10)
        desk.stop()
        self.assertEqual(self.pending(desk.clock), [])

    def pending(self, clock: Clock) -> list[object]:
        """Calls that are still to come."""
        return [call for call in clock.getDelayedCalls() if call.active()]
