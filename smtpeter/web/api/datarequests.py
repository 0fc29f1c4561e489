"""C{/v1/datarequest}: everything that is known about an address."""

from collections.abc import AsyncIterator, Callable, Sequence

from attrs import define
from twisted.internet.interfaces import IReactorTime

from smtpeter.boundaries.fetch import FetchRefused
from smtpeter.boundaries.inquiries import InquiryBook, TooManyInquiries
from smtpeter.events.dossiers import CLOSING, about, opening, read_part
from smtpeter.fetch.targets import read_target
from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.inquiry import Inquiry
from smtpeter.web.api.answers import JSON, Answer, Streamed, as_json
from smtpeter.web.api.faults import APIError, Fault, not_found
from smtpeter.web.api.openapi import datarequests as described
from smtpeter.web.api.reading import Reader
from smtpeter.web.api.recipients import read_address
from smtpeter.web.api.routes import Arguments, Caller, Route

NOT_READY = "Data not available (yet)."
MONITORS = "say a URL that takes a POST request (http or https), or an e-mail address"
RETRY_SECONDS = 60


@define(eq=False)
class DataRequestResources:
    """Takes data requests, and gives their answers."""

    _book: InquiryBook
    _new_id: Callable[[float], str]
    _clock: IReactorTime
    _allow_private: bool = False
    """Whether a monitor may be a URL of a private network."""

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("POST", "/datarequest", "read", self.ask, described.ASK),
            Route("GET", "/datarequest/<id>", "read", self.answer, described.ANSWER),
            Route("GET", "/datarequest/<id>/status", "read", self.status, described.STATUS),
        ]

    async def ask(self, caller: Caller, arguments: Arguments) -> Answer:
        """
        Take a data request, to be answered in the background.

        @raise APIError: 400; or 429, too many are not answered yet.
        """
        (address, monitor), now = _read(arguments, self._allow_private), self._clock.seconds()
        inquiry = Inquiry(
            id=self._new_id(now), account_id=caller.account.id, address=address, created_at=now, monitor=monitor
        )
        try:
            await self._book.ask(inquiry)
        except TooManyInquiries as refused:
            fault = Fault(f"Of the data requests of this account {refused}: wait for them.")
            raise APIError(429, (fault,), {"Retry-After": str(RETRY_SECONDS)}) from None
        return as_json({"id": inquiry.id}, 201, {"Location": f"/v1/datarequest/{inquiry.id}"})

    async def answer(self, caller: Caller, arguments: Arguments) -> Answer | Streamed:
        """All that was found, or that it is not complete."""
        inquiry = await self._find(caller, arguments)
        if not inquiry.is_ready:
            return as_json({"info": about(inquiry.address), "data": NOT_READY})
        return Streamed(pieces=self._pieces(inquiry), content_type=JSON, headers={"X-Content-Type-Options": "nosniff"})

    async def status(self, caller: Caller, arguments: Arguments) -> Answer:
        """Whether the answer is complete, and its size so far in bytes."""
        inquiry = await self._find(caller, arguments)
        return as_json(
            {
                "status": "available" if inquiry.is_ready else "pending",
                "available": inquiry.progress.size_bytes,
                "content-type": JSON,
            }
        )

    async def _find(self, caller: Caller, arguments: Arguments) -> Inquiry:
        found = await self._book.find(caller.account.id, arguments.path["id"])
        if found is None:
            raise not_found("There is no data request of that id, or its answer is kept no longer.")
        return found

    async def _pieces(self, inquiry: Inquiry) -> AsyncIterator[bytes]:
        yield opening(inquiry.address)
        for number in range(inquiry.progress.parts):
            part = await self._book.part(inquiry.id, number)
            if part is None:
                # Retention was faster: what was sent must not look like the whole.
                raise LookupError(f"part {number} of {inquiry.id} is gone")
            yield read_part(part)
        yield CLOSING


def _read(arguments: Arguments, allow_private: bool) -> tuple[str, str | None]:
    """The address that is asked about, and the monitor."""
    reader = Reader(arguments.body)
    text = reader.text("email")
    address = read_address(reader, "email", text) if text else None
    if not text and not reader.faults:
        reader.fault("email", "is missing: say the address that you ask about")
    monitor = _read_monitor(reader, allow_private)
    reader.check()
    return address or "", monitor


def _read_monitor(reader: Reader, allow_private: bool) -> str | None:
    text = reader.text("monitor")
    if not text:
        return None
    text = text.strip()
    try:
        # What has slashes is no address that anybody means, and a URL has no @ in front of them.
        return read_target(text, allow_private).url if "://" in text else parse_address(text)
    except (FetchRefused, AddressError) as error:
        reader.fault("monitor", f"cannot be used: {error}: {MONITORS}")
        return None
