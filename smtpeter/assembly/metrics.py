"""Builds the listener for metrics, and the gauges that it shows."""

from attrs import frozen
from twisted.internet.interfaces import IProtocolFactory

from smtpeter.assembly.stages import Stages
from smtpeter.smtpd.door import SMTPDoor
from smtpeter.storage.queue_counts import StoredQueueCounts
from smtpeter.web.figures import Figures
from smtpeter.web.metrics import Metrics
from smtpeter.web.queue_figures import QueueFigures
from smtpeter.web.requests import WebSite


@frozen
class MetricsDoor:
    """What listens, and what must run for it."""

    factory: IProtocolFactory
    queue: QueueFigures


def build_metrics(figures: Figures, stages: Stages, door: SMTPDoor) -> MetricsDoor:
    """The page, with the states of a server that is built."""
    queue, budget = QueueFigures(StoredQueueCounts(database=stages.database), stages.clock), stages.pump.budget
    figures.gauge("smtp_connections", "SMTP connections that are open.", lambda: door.connections)
    figures.gauge("relay_connections", "Connections to receivers, open or begun.", lambda: stages.relay.connections)
    figures.gauges(
        "queue_messages", "Queued messages of all nodes, by recipient domain.", "destination", lambda: queue.by_domain
    )
    figures.gauge("queue_lag_seconds", "For how long a message has been due already.", lambda: queue.lag_seconds)
    figures.gauge("memory_messages", "Messages that this node holds in memory.", lambda: budget.messages)
    figures.gauge("memory_bytes", "Bytes of their contents.", lambda: budget.size_bytes)
    site: IProtocolFactory = WebSite(Metrics(figures), 0, stages.reactor)
    return MetricsDoor(site, queue)
