"""C{POST /v1/send}: mail by REST, through the same intake as by SMTP."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import define

from smtpeter.boundaries.intake import Intake, Refused
from smtpeter.model.message import Draft, Recipient
from smtpeter.model.options import override
from smtpeter.web.api.access import check_standing
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.faults import APIError, Fault, forbidden, unavailable, wrong
from smtpeter.web.api.options import REST_FEATURES
from smtpeter.web.api.orders import Order, read_order
from smtpeter.web.api.routes import Arguments, Caller, Route
from smtpeter.web.api.threads import SMALL_BYTES, Threads

CHANCE_BYTES = 16


@define(eq=False, kw_only=True)
class Sending:
    """
    Takes mail.

    @ivar chance: gives so many random bytes.
    @ivar max_message_size: bytes.
    """

    _intake: Intake
    _threads: Threads
    _chance: Callable[[int], bytes]
    _max_message_size: int

    def routes(self) -> Sequence[Route]:
        """One."""
        return [Route("POST", "/send", "send", self.send)]

    async def send(self, caller: Caller, arguments: Arguments) -> Answer:
        """
        Accept a mail for all of its recipients in one commit.

        @return: the recipients by the ids of their messages.
        @raise APIError: it is not accepted; nothing is stored.
        @raise StorageBusy: nothing is stored.
        """
        check_standing(caller.token)
        order = await self._read(arguments)
        if len(order.content) > self._max_message_size:
            raise APIError(413, (Fault(f"The message is larger than {self._max_message_size} bytes."),))
        try:
            receipt = await self._intake.submit(draft_of(order, caller))
        except Refused as refused:
            raise refusal(refused, arguments.body) from None
        return as_json(dict(zip(receipt.message_ids, order.recipients, strict=True)))

    async def _read(self, arguments: Arguments) -> Order:
        read = partial(read_order, chance=self._chance(CHANCE_BYTES))
        if len(arguments.raw_body) <= SMALL_BYTES:
            return read(arguments.body)
        return await self._threads.run(read, arguments.body)


def draft_of(order: Order, caller: Caller) -> Draft:
    """What is handed in. Header fields of the content still go before the properties."""
    reports = order.reports
    return Draft(
        account_id=caller.account.id,
        login_id=None,
        features=override(REST_FEATURES, order.overrides),
        reverse_path=order.reverse_path,
        recipients=tuple(
            Recipient(address=address, notify=reports.notify, orcpt=reports.orcpt) for address in order.recipients
        ),
        content=order.content,
        trace=caller.trace,
        ret=reports.ret,
        envid=reports.envid,
        is_utf8=order.is_utf8,
        tags=order.tags,
        expires_at=order.expires_at,
    )


def refusal(refused: Refused, body: Mapping[str, Any]) -> APIError:
    """What intake refuses, as HTTP says it."""
    place = "mime" if body.get("mime") is not None else "from"
    if refused.code < 500:
        return unavailable(refused.text)
    if refused.enhanced == "5.7.1":
        return forbidden(refused.text, place)
    return wrong(refused.text, place)
