"""C{POST /v1/preview}: what a send would send, and nothing is sent."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence

from attrs import asdict, define, evolve

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.preview import Drawing, Previewer, PreviewsBusy, PreviewTooLarge
from smtpeter.boundaries.suppression import SuppressionBook
from smtpeter.model.message import Draft
from smtpeter.model.preview import Preview
from smtpeter.web.api.access import check_standing
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.faults import APIError, Fault, too_many, wrong
from smtpeter.web.api.openapi.previewing import PREVIEW
from smtpeter.web.api.routes import Arguments, Caller, Route
from smtpeter.web.api.sending import blamed, refusal
from smtpeter.web.api.threads import Threads

MAX_RECIPIENTS = 10
RETRY_SECONDS = 2.0

Read = Callable[[Caller, Arguments], Awaitable[Draft]]
"""L{smtpeter.web.api.sending.Sending.draft}."""


@define(eq=False, kw_only=True)
class PreviewResources:
    """
    Shows mail.

    @ivar draft: reads the body of a send.
    @ivar threads: those of previews.
    """

    _draft: Read
    _intake: Drawing
    _previews: Previewer
    _suppressions: SuppressionBook
    _threads: Threads

    def routes(self) -> Sequence[Route]:
        """One: whoever may send may look at it first."""
        return [Route("POST", "/preview", "send", self.preview, PREVIEW)]

    async def preview(self, caller: Caller, arguments: Arguments) -> Answer:
        """
        Do all that a send does short of storing it.

        @raise APIError: as a send; also 413 and 429 where it would cost too much.
        @raise StorageBusy: what has to be read cannot be read now.
        """
        check_standing(caller.token)
        draft = await self._draft(caller, arguments)
        if len(draft.recipients) > MAX_RECIPIENTS:
            raise wrong(f"recipients has more than {MAX_RECIPIENTS}, which is what a preview shows.", "recipients")
        try:
            submission = await self._intake.draw_up(draft)
            shown = await self._previews.preview(submission)
        except Refused as refused:
            raise refusal(refused, blamed(arguments)) from None
        except PreviewsBusy:
            raise too_many("Too many previews are wanted at once.", RETRY_SECONDS) from None
        except PreviewTooLarge as problem:
            text = f"The messages are larger than {problem.limit} bytes together, which is what a preview shows."
            raise APIError(413, (Fault(text),)) from None
        return await self._threads.run(_answer, [await self._warned(caller.account.id, one) for one in shown])

    async def _warned(self, account_id: int, one: Preview) -> Preview:
        """Say also that an address would get nothing."""
        found = await self._suppressions.find(account_id, one.recipient)
        if found is None:
            return one
        said = f"nothing is sent to this address: it is on the suppression list ({found.reason.value})"
        return evolve(one, warnings=(said, *one.warnings))


def _answer(shown: Sequence[Preview]) -> Answer:
    return as_json({"messages": [_described(one) for one in shown]})


def _described(one: Preview) -> dict[str, object]:
    return {
        "recipient": one.recipient,
        "envelope": one.reverse_path,
        "dkim": None if one.signature is None else asdict(one.signature),
        "warnings": one.warnings,
        "links": dict(one.links),
        "html": one.html,
        **_mime(one.content),
    }


def _mime(content: bytes) -> dict[str, str]:
    """Byte for byte: as text where it is UTF-8, else in base64."""
    try:
        return {"mime": content.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"mime": b64encode(content).decode("ascii"), "encoding": "base64"}
