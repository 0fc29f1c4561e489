"""The suppression list of the caller's account."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from attrs import define

from smtpeter.accounts.refusals import NotFound
from smtpeter.model.event import written_time
from smtpeter.model.suppression import EVENTS, Suppression, SuppressionReason
from smtpeter.suppression.lists import NoAddress, SuppressionLists
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.faults import not_found, wrong
from smtpeter.web.api.openapi import suppressions as described
from smtpeter.web.api.reading import Reader
from smtpeter.web.api.recipients import read_address
from smtpeter.web.api.routes import Arguments, Caller, Route

PAGE = 1000
_REASONS = ", ".join(reason.value for reason in SuppressionReason)


@define(eq=False)
class SuppressionResources:
    """C{/v1/suppressions}."""

    _lists: SuppressionLists

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("GET", "/suppressions", "read", self.all, described.ALL),
            Route("POST", "/suppressions", "manage", self.add, described.ADD),
            Route("GET", "/suppressions/<path:address>", "read", self.one, described.ONE),
            Route("DELETE", "/suppressions/<path:address>", "manage", self.remove, described.REMOVE),
        ]

    async def all(self, caller: Caller, arguments: Arguments) -> Answer:
        """The list, by address."""
        asked = arguments.asked("reason")
        reason = _reason(asked) if asked else None
        found = await self._lists.page(caller.account, arguments.asked("cursor") or "", PAGE + 1, reason)
        page = found[:PAGE]
        headers = _next_page(page[-1], reason) if len(found) > PAGE else {}
        return as_json(list(map(_shown, page)), headers=headers)

    async def one(self, caller: Caller, arguments: Arguments) -> Answer:
        """The entry of an address."""
        try:
            return as_json(_shown(await self._lists.find(caller.account, arguments.path["address"])))
        except NoAddress as problem:
            raise wrong(str(problem), "address") from None
        except NotFound:
            raise _not_listed() from None

    async def add(self, caller: Caller, arguments: Arguments) -> Answer:
        """Put an address on the list; the answer is its entry, which may be an earlier one."""
        reader = Reader(arguments.body)
        address, reason, description = _address(reader), _reason_of(reader), reader.text("description")
        reader.check()
        try:
            entry = await self._lists.add(caller.account, address, reason, description or "")
        except NoAddress as problem:
            raise wrong(str(problem), "address") from None
        return as_json(_shown(entry))

    async def remove(self, caller: Caller, arguments: Arguments) -> Answer:
        """Take an address off the list."""
        try:
            removed = await self._lists.remove(caller.account, arguments.path["address"])
        except NoAddress as problem:
            raise wrong(str(problem), "address") from None
        except NotFound:
            raise _not_listed() from None
        return as_json({"removed": removed})


def _address(reader: Reader) -> str:
    text = reader.text("address")
    if not reader.has("address"):
        reader.fault("address", "is missing")
    return "" if text is None else read_address(reader, "address", text) or ""


def _reason_of(reader: Reader) -> SuppressionReason:
    text = reader.text("reason") or SuppressionReason.MANUAL.value
    try:
        return SuppressionReason(text)
    except ValueError:
        reader.fault("reason", f"must be one of {_REASONS}")
        return SuppressionReason.MANUAL


def _reason(text: str) -> SuppressionReason:
    try:
        return SuppressionReason(text)
    except ValueError:
        raise wrong(f"The reason must be one of {_REASONS}.", "reason") from None


def _not_listed() -> Exception:
    return not_found("The address is not on the suppression list.")


def _next_page(last: Suppression, reason: SuppressionReason | None) -> Mapping[str, str]:
    """RFC 8288; the token is for the client to add."""
    said = {} if reason is None else {"reason": reason.value}
    return {"Link": f'</v1/suppressions?{urlencode({**said, "cursor": last.address})}>; rel="next"'}


def _shown(entry: Suppression) -> dict[str, str]:
    """As all that is answered: texts, the time in UTC, what there is none of empty."""
    return {
        "address": entry.address,
        "reason": entry.reason.value,
        "time": written_time(entry.at),
        "event": EVENTS.get(entry.reason, "") if entry.message_id else "",
        "message": entry.message_id or "",
        "description": entry.description,
    }
