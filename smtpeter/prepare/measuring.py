"""A CSS engine that tells what its requests take and how they fail."""

from attrs import define
from twisted.internet.interfaces import IReactorTime
from typing_extensions import override

from smtpeter.boundaries.metrics import Measure, Tally
from smtpeter.boundaries.prepare import Inliner, InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare import lanes, workers

_REASONS = {
    workers.BUSY: "busy",
    workers.TOO_LARGE: "too_large",
    lanes.NOT_RUNNING: "not_running",
    lanes.ENDED: "broke_down",
}

_TIMED_OUT = lanes.TIMED_OUT.partition("{")[0]


@define(eq=False)
class MeasuredInliner(Inliner):
    """
    Another L{Inliner}, measured.

    @ivar _times: takes seconds, waiting included; next to nothing where the result was known.
    @ivar _failed: counts by reason.
    """

    _inliner: Inliner
    _clock: IReactorTime
    _times: Measure
    _failed: Tally

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        """Move rules to style attributes (L{Inliner.inline})."""
        began = self._clock.seconds()
        try:
            return await self._inliner.inline(request)
        except InliningFailed as failure:
            self._failed(_reason(str(failure)))
            raise
        finally:
            self._times(self._clock.seconds() - began)


def _reason(text: str) -> str:
    return "timeout" if text.startswith(_TIMED_OUT) else _REASONS.get(text, "refused")
