"""A L{Tally<smtpeter.boundaries.metrics.Tally>} that tests can read."""

from attrs import define, field

from smtpeter.boundaries.metrics import Tally


@define(eq=False)
class KeptTally:
    """Adds up by label."""

    counts: dict[str, float] = field(factory=dict)

    def __call__(self, label: str = "", amount: float = 1) -> None:
        """Count something."""
        self.counts[label] = self.counts.get(label, 0) + amount


_conforms: Tally = KeptTally()
