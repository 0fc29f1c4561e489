"""Tests of features and their precedence."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.options import Features, Overrides, override


class PrecedenceTests(SynchronousTestCase):
    """A message's own wish goes before its login's."""

    def test_override(self) -> None:
        """True and false both override; what is not said stays."""
        login = Features(inlinecss=True, trackclicks=True)
        wanted = override(login, Overrides(inlinecss=False, trackopens=True))
        self.assertEqual(wanted, Features(inlinecss=False, trackclicks=True, trackopens=True))

    def test_enabled(self) -> None:
        """The names of what is on, in a fixed order."""
        self.assertEqual(Features(trackopens=True, inlinecss=True).enabled(), ("inlinecss", "trackopens"))
