"""Accounts take turns, and equal contents wait together."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.lines import Entry, WaitingLine
from tests.relay.support import make_job


def entry(number: int, account: int = 1, share: str | None = None) -> Entry:
    return Entry(make_job(number, account_id=account, share_key=share), lambda outcome: None)


def drained(line: WaitingLine, limit: int = 100) -> list[list[str]]:
    taken = []
    while line:
        taken.append([one.job.message_id for one in line.take(limit)])
    return taken


class WaitingLineTests(SynchronousTestCase):
    def test_turns(self) -> None:
        """One account's flood delays another's message by one turn."""
        line = WaitingLine()
        for number in range(5):
            line.add(entry(number, account=1))
        line.add(entry(9, account=2))
        self.assertEqual(drained(line), [["m0"], ["m9"], ["m1"], ["m2"], ["m3"], ["m4"]])

    def test_shared(self) -> None:
        """Jobs of one content are one transaction, up to the limit; those of two accounts never are."""
        line = WaitingLine()
        for number in range(5):
            line.add(entry(number, share="a"))
        line.add(entry(5, account=2, share="a"))
        line.add(entry(6, share="b"))
        self.assertEqual((len(line), line.groups), (7, 3))
        self.assertEqual(drained(line, 3), [["m0", "m1", "m2"], ["m5"], ["m3", "m4"], ["m6"]])
        self.assertEqual((len(line), line.groups), (0, 0))
        line.add(entry(7, share="a"))
        self.assertEqual(drained(line), [["m7"]])

    def test_put_back(self) -> None:
        """What is put back is the account's next, and later jobs of its content do not join it twice."""
        line = WaitingLine()
        for number in range(3):
            line.add(entry(number, share="a"))
        taken = line.take(2)
        line.put_back(taken)
        line.add(entry(3, share="a"))
        self.assertEqual(drained(line), [["m0", "m1"], ["m2", "m3"]])

    def test_take_all(self) -> None:
        """Everything can be taken at once."""
        line = WaitingLine()
        for number in range(4):
            line.add(entry(number, account=number % 2, share="a" if number < 2 else None))
        self.assertEqual({one.job.message_id for one in line.take_all()}, {"m0", "m1", "m2", "m3"})
        self.assertEqual((len(line), line.groups), (0, 0))

    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "a", "b"]), st.integers(0, 3)), max_size=40))
    @settings(max_examples=60, deadline=None)
    def test_nothing_is_lost(self, steps: list[tuple[int, str | None, int]]) -> None:
        """In any order of coming, going and coming back, each job is taken once."""
        line = WaitingLine()
        taken: list[Entry] = []
        for number, (account, share, action) in enumerate(steps):
            line.add(entry(number, account, share))
            if action == 1:
                taken += line.take(2)
            elif action == 2:
                line.put_back(line.take(2))
        taken += [one for _ in range(len(line)) if line for one in line.take(2)]
        self.assertEqual(sorted(one.job.message_id for one in taken), sorted(f"m{n}" for n in range(len(steps))))
        self.assertEqual(line.groups, 0)
