"""C{POST /v1/send} and C{/v1/resend}: mail by REST, through the same intake as by SMTP."""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, evolve

from smtpeter.boundaries.intake import Intake, Refused
from smtpeter.boundaries.requests import SentMail
from smtpeter.model.message import Draft, Once, Recipient
from smtpeter.model.options import override
from smtpeter.web.api.access import check_standing
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.composing import urls_of
from smtpeter.web.api.faults import APIError, Fault, not_found, unavailable, wrong
from smtpeter.web.api.files import Files
from smtpeter.web.api.once import OnceOnly
from smtpeter.web.api.openapi.sending import SEND_AGAIN, SEND_MAIL
from smtpeter.web.api.options import REST_FEATURES
from smtpeter.web.api.orders import Order, read_order
from smtpeter.web.api.reading import Reader
from smtpeter.web.api.routes import Arguments, Caller, Route
from smtpeter.web.api.threads import SMALL_BYTES, Threads

CHANCE_BYTES = 16


@define(eq=False, kw_only=True)
class Sending:
    """
    Takes mail.

    @ivar chance: gives so many random bytes.
    @ivar max_message_size: bytes.
    @ivar offers_unsubscribe: whether we have an https address at which readers unsubscribe.
    """

    _intake: Intake
    _once: OnceOnly
    _sent: SentMail
    _files: Files
    _threads: Threads
    _chance: Callable[[int], bytes]
    _max_message_size: int
    _offers_unsubscribe: bool = False

    def routes(self) -> Sequence[Route]:
        """Sending, and sending again."""
        return [
            Route("POST", "/send", "send", self.send, SEND_MAIL),
            Route("POST", "/resend", "send", self.resend, SEND_AGAIN),
        ]

    async def send(self, caller: Caller, arguments: Arguments) -> Answer:
        """
        Accept a mail for all of its recipients in one commit.

        @return: the recipients by the ids of their messages.
        @raise APIError: it is not accepted; nothing is stored.
        @raise StorageBusy: nothing is stored.
        """
        check_standing(caller.token)

        async def work(once: Once | None) -> Answer:
            return await self._submit(await self.draft(caller, arguments, once), blamed(arguments))

        return await self._once.do(caller, arguments, work)

    async def draft(self, caller: Caller, arguments: Arguments, once: Once | None = None) -> Draft:
        """
        Read the body of a send, and fetch what it names.

        @raise APIError: it cannot be sent as it is.
        """
        order = await self._read(arguments)
        if len(order.content) > self._max_message_size:
            raise APIError(413, (Fault(f"The message is larger than {self._max_message_size} bytes."),))
        return draft_of(order, caller, once)

    async def resend(self, caller: Caller, arguments: Arguments) -> Answer:
        """
        Accept the mail of an earlier message again, under a new id.

        @return: the recipient by the new id.
        @raise APIError: 404, the account has no such message; or as L{send}.
        @raise StorageBusy: nothing is stored.
        """
        check_standing(caller.token)

        async def work(once: Once | None) -> Answer:
            reader = Reader(arguments.body)
            message_id = reader.text("message")
            if not message_id and not reader.faults:
                reader.fault("message", "is missing: say the id of a message")
            reader.check()
            draft = await self._sent.find_draft(caller.account.id, message_id or "")
            if draft is None:
                raise not_found("There is no message of that id, or its content is kept no longer.")
            return await self._submit(evolve(draft, trace=caller.trace, once=once), "message")

        return await self._once.do(caller, arguments, work)

    async def _submit(self, draft: Draft, place: str) -> Answer:
        try:
            receipt = await self._intake.submit(draft)
        except Refused as refused:
            raise refusal(refused, place) from None
        addresses = (recipient.address for recipient in draft.recipients)
        return as_json(dict(zip(receipt.message_ids, addresses, strict=True)))

    async def _read(self, arguments: Arguments) -> Order:
        read = partial(read_order, chance=self._chance(CHANCE_BYTES), offers_unsubscribe=self._offers_unsubscribe)
        is_small = len(arguments.raw_body) <= SMALL_BYTES
        order = read(arguments.body) if is_small else await self._threads.run(read, arguments.body)
        urls = urls_of(arguments.body)
        if not urls:
            return order
        # Only now that nothing else is wrong: strangers' servers are not asked in vain.
        files = await self._files.fetch(urls)
        return await self._threads.run(partial(read, files=files), arguments.body)


def draft_of(order: Order, caller: Caller, once: Once | None) -> Draft:
    """What is handed in. Header fields of the content still go before the properties."""
    reports = order.reports
    return Draft(
        account_id=caller.account.id,
        login_id=None,
        features=evolve(override(REST_FEATURES, order.overrides), unsubscribe=order.has_own_unsubscribe),
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
        once=once,
    )


def blamed(arguments: Arguments) -> str:
    """The property that is at fault when the content is refused."""
    return "mime" if arguments.body.get("mime") is not None else "from"


def refusal(refused: Refused, place: str) -> APIError:
    """What intake refuses, as HTTP says it: a sender domain that is not approved is a fault of the body."""
    return unavailable(refused.text) if refused.code < 500 else wrong(refused.text, place)
