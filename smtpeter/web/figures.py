"""
Figures about the running server, in the form of Prometheus.

Counting is adding to a dictionary: some 0.1 microseconds in the reactor's thread, where everything is counted; the
counters of the client library take ten times that for their locks. Gauges are read when they are asked for. Labels are
bounded: what comes after the first C{MAX_LABELS} is counted as C{other}, so no stranger can make figures without end.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import accumulate

from attrs import define, field
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

MAX_LABELS = 50
OTHER = "other"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds for times."""

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Bounds for the sizes of batches."""


@define(eq=False)
class Counter:
    """A L{Tally<smtpeter.boundaries.metrics.Tally>}."""

    name: str
    help: str
    label: str = ""
    """What the label is; empty for none."""
    values: dict[str, float] = field(factory=dict)

    def __call__(self, label: str = "", amount: float = 1) -> None:
        """Count something."""
        values = self.values
        if label not in values and len(values) >= MAX_LABELS:
            label = OTHER
        values[label] = values.get(label, 0) + amount

    def family(self) -> Metric:
        """As it stands."""
        metric = CounterMetricFamily(self.name, self.help, labels=(self.label,) if self.label else ())
        for label, value in self.values.items():
            metric.add_metric((label,) if self.label else (), value)
        return metric


@define(eq=False)
class Histogram:
    """A L{Measure<smtpeter.boundaries.metrics.Measure>} in classes."""

    name: str
    help: str
    bounds: tuple[float, ...]
    _counts: list[int] = field(init=False)
    _sum: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def __call__(self, value: float) -> None:
        """Take a measurement."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def family(self) -> Metric:
        """As it stands."""
        names = [*(str(bound) for bound in self.bounds), "+Inf"]
        buckets = list(zip(names, accumulate(self._counts), strict=True))
        return HistogramMetricFamily(self.name, self.help, buckets=buckets, sum_value=self._sum)


@define(eq=False)
class Gauge:
    """A state, read when it is asked for."""

    name: str
    help: str
    label: str
    read: Callable[[], Mapping[str, float]]
    """The values by label; at most some C{MAX_LABELS}."""

    def family(self) -> Metric:
        """As it is now."""
        metric = GaugeMetricFamily(self.name, self.help, labels=(self.label,) if self.label else ())
        for label, value in self.read().items():
            metric.add_metric((label,) if self.label else (), value)
        return metric


@define(eq=False)
class Figures(Collector):
    """All figures of a server."""

    _all: list[Counter | Histogram | Gauge] = field(factory=list)
    _registry: CollectorRegistry = field(factory=lambda: CollectorRegistry(auto_describe=False), init=False)

    def __attrs_post_init__(self) -> None:
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def counter(self, name: str, help: str, label: str = "", known: Collection[str] = ("",)) -> Counter:
        """
        A new counter.

        @param known: labels that stand there from the beginning, at 0.
        """
        values = dict.fromkeys(() if label and known == ("",) else known, 0.0)
        made = Counter(f"smtpeter_{name}", help, label, values)
        self._all.append(made)
        return made

    def histogram(self, name: str, help: str, bounds: tuple[float, ...] = SECONDS) -> Histogram:
        """A new histogram."""
        made = Histogram(f"smtpeter_{name}", help, bounds)
        self._all.append(made)
        return made

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A new gauge."""
        self._all.append(Gauge(f"smtpeter_{name}", help, "", lambda: {"": read()}))

    def gauges(self, name: str, help: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Gauges with a label. None is shown while C{read} gives none."""
        self._all.append(Gauge(f"smtpeter_{name}", help, label, read))

    @override
    def collect(self) -> Iterable[Metric]:
        """All as they stand."""
        return [one.family() for one in self._all]

    def text(self) -> bytes:
        """All in the text format, version 0.0.4."""
        return generate_latest(self._registry)
