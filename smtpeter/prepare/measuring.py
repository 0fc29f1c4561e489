"""CSS engines that tell what their requests take and how they fail: by themselves, and within makers."""

from attrs import define
from twisted.internet.interfaces import IReactorTime
from typing_extensions import override

from smtpeter.boundaries.metrics import Measure, Tally
from smtpeter.boundaries.prepare import Inliner, InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare import lanes, workers
from smtpeter.prepare.compiler import NOT_INLINED
from smtpeter.prepare.makers import Making
from smtpeter.prepare.orders import Made, Order

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


@define(eq=False)
class MeasuredMaking(Making):
    """
    Makers, measured.

    @ivar _times: takes seconds of messages that were made, waiting included.
    @ivar _failed: counts those whose style sheets were left as they were. What was not made is counted elsewhere.
    """

    _making: Making
    _clock: IReactorTime
    _times: Measure
    _failed: Tally

    @override
    async def make(self, order: Order) -> Made:
        """Have a message made (L{Making.make})."""
        began = self._clock.seconds()
        made = await self._making.make(order)
        self._times(self._clock.seconds() - began)
        if any(warning.startswith(NOT_INLINED) for warning in made.warnings):
            self._failed("refused")
        return made


def _reason(text: str) -> str:
    return "timeout" if text.startswith(_TIMED_OUT) else _REASONS.get(text, "refused")
