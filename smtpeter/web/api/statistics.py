"""Numbers: the totals of tags, and series of what happened by hour or day."""

from collections.abc import Sequence

from attrs import define
from twisted.internet.interfaces import IReactorTime

from smtpeter.boundaries.reading import EventCounts, TagBook
from smtpeter.events.rows import tag_record
from smtpeter.events.series import STEPS, series
from smtpeter.model.event import written_time
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.asking import asked_domain, asked_period, asked_tags
from smtpeter.web.api.faults import not_found, wrong
from smtpeter.web.api.openapi import statistics as described
from smtpeter.web.api.routes import Arguments, Caller, Route

RECENT = 10


@define(eq=False)
class StatisticsResources:
    """C{/v1/tag/…}, C{/v1/recent-tags} and C{/v1/statistics}."""

    _tags: TagBook
    _counts: EventCounts
    _clock: IReactorTime

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("GET", "/tag/<path:tag>", "read", self.tag, described.TAG),
            Route("GET", "/recent-tags", "read", self.recent_tags, described.RECENT_TAGS),
            Route("GET", "/statistics", "read", self.statistics, described.SERIES),
        ]

    async def tag(self, caller: Caller, arguments: Arguments) -> Answer:
        """What the events with a tag come to."""
        totals = await self._tags.totals(caller.account.id, arguments.path["tag"])
        if totals is None:
            raise not_found("No message has that tag.")
        return as_json(tag_record(totals))

    async def recent_tags(self, caller: Caller, arguments: Arguments) -> Answer:
        """The tags that were active last."""
        return as_json([tag_record(totals) for totals in await self._tags.recent(caller.account.id, RECENT)])

    async def statistics(self, caller: Caller, arguments: Arguments) -> Answer:
        """How much happened in each part of a period."""
        interval = arguments.asked("interval") or "day"
        if interval not in STEPS:
            raise wrong("Interval must be hour or day.", "interval")
        tags, domain = asked_tags(arguments.asked("tags")), asked_domain(arguments.asked("domain"))
        period = asked_period(arguments, self._clock.seconds())
        tallies = await self._counts.tallies(caller.account.id, period, STEPS[interval], tags, domain)
        return as_json(
            {
                "start": written_time(period.start),
                "end": written_time(period.end),
                "interval": interval,
                "series": series(period, STEPS[interval], tallies),
            }
        )
