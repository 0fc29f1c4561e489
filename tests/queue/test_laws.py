"""The law of the queue: nothing accepted is lost, and everything ends once, whatever happens in whatever order."""

from collections import Counter

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import State
from smtpeter.model.options import Features
from smtpeter.model.outcome import Kind
from tests.queue.bench import Bench, bench, revived
from tests.queue.samples import submission
from tests.support.relay import deferred, delivered, failed

OUTCOMES = (delivered, failed, deferred)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 3)),
        st.tuples(st.just("end"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from((0, 1, 5, 40, 400))),
        st.tuples(st.just("break"), st.sampled_from(("settle", "release", "claim_due", "renew", "prepare"))),
        st.tuples(st.just("mend"), st.just(0)),
        st.tuples(st.just("stop"), st.just(0)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    max_size=25,
)


@define(eq=False)
class World:
    """A queue to which things happen."""

    desk: Bench = field(factory=lambda: bench(max_messages=6, claim_limit=3, costly_places=1))
    accepted: list[str] = field(factory=list)
    told: Counter[str] = field(factory=Counter)
    """How often the relay reported a final outcome of each message."""

    def accept(self, recipients: int) -> None:
        """Mail comes, some of it with style sheets, to a few destinations, without notices."""
        number = len(self.accepted)
        mail = submission(
            [f"r{place}@d{number % 3}.example" for place in range(recipients)],
            account_id=number % 2 + 1,
            features=Features(inlinecss=number % 4 == 0),
            reverse_path="",
            received_at=self.desk.clock.seconds(),
        )
        self.desk.accept(mail)
        self.accepted += [message.id for message in mail.messages]

    def end(self, choice: int) -> None:
        """The oldest open attempt ends."""
        for message_id in list(self.desk.relay.jobs)[:1]:
            outcome = OUTCOMES[choice]()
            self.told[message_id] += outcome.kind is not Kind.DEFERRED
            self.desk.relay.end(message_id, outcome)

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.desk.settle_down(seconds)

    def break_(self, operation: str) -> None:
        """Storage fails at something."""
        if operation == "prepare":
            self.desk.preparer.is_slow_with_styles = True
        else:
            self.desk.store.faults[operation] = StorageBusy()

    def mend(self, _: int) -> None:
        """All works again."""
        self.desk.store.faults.clear()
        self.desk.preparer.is_slow_with_styles = False
        self.desk.preparer.go_on()

    def stop(self, _: int) -> None:
        """The server stops in good order and starts again."""
        self.desk.stop()
        self.desk = revived(self.desk)

    def kill(self, _: int) -> None:
        """The server is gone from one moment to the next, and starts again."""
        self.desk = revived(self.desk)

    def step(self, name: str, value: int | str) -> None:
        """One thing happens."""
        getattr(self, "break_" if name == "break" else name)(value)

    def finish(self) -> None:
        """All works, and every destination takes everything."""
        self.mend(0)
        self.desk.relay.answer = lambda job: delivered()
        self.desk.settle_down(35)
        for message_id in list(self.desk.relay.jobs):
            self.desk.relay.end(message_id, delivered())
        for _ in range(24):
            self.desk.settle_down()
            self.desk.clock.advance(800)


class LawTests(SynchronousTestCase):
    """Any order of mail, outcomes, failures of storage, stops and crashes."""

    @settings(max_examples=25, deadline=None)
    @given(steps)
    def test_nothing_is_lost(self, happening: list[tuple[str, int | str]]) -> None:
        """Every accepted message ends in one final state, told by one final event, and the memory is empty again."""
        world = World()
        for name, value in happening:
            world.step(name, value)
            self.assertLessEqual(world.desk.pump.budget.messages, 6 + 3)
        world.finish()
        for message_id in world.accepted:
            view = world.desk.message(message_id)
            self.assertIn(view.state, (State.DELIVERED, State.FAILED), happening)
            ends = [event.type for event in view.events if event.type in ("delivery", "failure")]
            self.assertEqual(len(ends), 1, happening)
        budget = world.desk.pump.budget
        self.assertEqual((budget.messages, budget.size_bytes, budget.full_domains()), (0, 0, []))

    @settings(max_examples=12, deadline=None)
    @given(steps.map(lambda all_steps: [step for step in all_steps if step[0] != "kill" and step[1] != "renew"]))
    def test_nothing_is_sent_twice(self, happening: list[tuple[str, int | str]]) -> None:
        """Without crashes and with a lease that holds no message is given to the relay again after its end, unless a
        stop could not wait for storage any longer."""
        world = World()
        for name, value in happening:
            if name == "stop":
                world.mend(0)
            world.step(name, value)
        world.finish()
        self.assertTrue(all(count <= 1 for count in world.told.values()), happening)
