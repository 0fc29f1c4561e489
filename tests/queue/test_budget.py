"""Tests of how memory is shared."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.queue.budget import Budget

taking = st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abcdef"), st.integers(1, 400)), max_size=300)


class ShareTests(SynchronousTestCase):
    """Who may add what."""

    @settings(max_examples=60)
    @given(taking)
    def test_newcomers(self, wishes: list[tuple[int, str, int]]) -> None:
        """However accounts and destinations crowd, the bounds hold, and who holds nothing yet still finds room."""
        budget = Budget(100, 10_000)
        for account_id, domain, size_bytes in wishes:
            if budget.has_room(1, size_bytes) and budget.may_add(account_id, [domain]):
                budget.take(1, size_bytes)
                budget.count_share(account_id, domain, 1, size_bytes)
            self.assertLessEqual(budget.messages, 100)
            self.assertLessEqual(budget.size_bytes, 10_000)
            self.assertTrue(budget.has_room(1, 100))
            self.assertTrue(budget.may_add(9, ["new.example"]))

    def test_alone(self) -> None:
        """One account to many destinations gets half of the memory; one destination a fifth of it."""
        for many, expected in ((True, 50), (False, 20)):
            budget, count = Budget(100, 1 << 30), 0
            while budget.may_add(1, [f"d{count}" if many else "d"]):
                budget.take(1, 10)
                budget.count_share(1, f"d{count}" if many else "d", 1, 10)
                count += 1
            self.assertEqual(count, expected)
            self.assertEqual(budget.full_accounts(), [1] if many else [])
            self.assertEqual(budget.full_domains(), [] if many else ["d"])

    def test_bytes(self) -> None:
        """Few but large messages are held back like many."""
        budget = Budget(1000, 1000)
        budget.take(1, 600)
        budget.count_share(1, "d", 1, 600)
        self.assertFalse(budget.may_add(1, ["e"]))
        self.assertFalse(budget.may_add(2, ["d"]))
        self.assertTrue(budget.may_add(2, ["e"]))

    @settings(max_examples=60)
    @given(taking)
    def test_exact(self, taken: list[tuple[int, str, int]]) -> None:
        """What is taken and given back leaves nothing."""
        budget = Budget(10, 10)
        for account_id, domain, size_bytes in taken:
            budget.take(1, size_bytes)
            budget.count_share(account_id, domain, 1, size_bytes)
        for account_id, domain, size_bytes in reversed(taken):
            budget.give_back(1, size_bytes)
            budget.count_share(account_id, domain, -1, -size_bytes)
        self.assertEqual((budget.messages, budget.size_bytes), (0, 0))
        self.assertEqual((budget.accounts.over(0, 0), budget.domains.over(0, 0)), ([], []))
