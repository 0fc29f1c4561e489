"""Events by message, e-mail address, template and tags."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from attrs import define
from twisted.internet.interfaces import IReactorTime

from smtpeter.boundaries.reading import EventSearch
from smtpeter.events.cursors import BadCursor, read_cursor, write_cursor
from smtpeter.events.rows import record_of
from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.event import Event
from smtpeter.model.reading import Place, Question
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.asking import asked_period, asked_tags, is_asked
from smtpeter.web.api.faults import not_found, wrong
from smtpeter.web.api.openapi import events as described
from smtpeter.web.api.routes import Arguments, Caller, Route

PAGE = 1000
_KEPT = ("start", "end", "tags", "extended")
"""What is said again when the next page is asked for."""


@define(eq=False)
class EventResources:
    """C{/v1/events/…}."""

    _search: EventSearch
    _clock: IReactorTime

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("GET", "/events/messageid/<id>", "read", self.of_message, described.OF_MESSAGE),
            Route("GET", "/events/email/<path:address>", "read", self.of_address, described.OF_ADDRESS),
            Route("GET", "/events/template/<id>", "read", self.of_template, described.OF_TEMPLATE),
            Route("GET", "/events/tags/<path:names>", "read", self.of_tags, described.OF_TAGS),
        ]

    async def of_message(self, caller: Caller, arguments: Arguments) -> Answer:
        """What happened to a message of the account."""
        message_id = arguments.path["id"]
        sent_at = await self._search.sent_at(caller.account.id, message_id)
        if sent_at is None:
            raise not_found("There is no message of that id.")
        tags = asked_tags(arguments.asked("tags"))
        return await self._answer(
            caller, arguments, ("messageid", message_id), sent_at, message_id=message_id, tags=tags
        )

    async def of_address(self, caller: Caller, arguments: Arguments) -> Answer:
        """What happened to mail for an address."""
        given = arguments.path["address"]
        try:
            recipient = parse_address(given)
        except AddressError as problem:
            raise wrong(f"This is no e-mail address: {problem}.", "email") from None
        tags = asked_tags(arguments.asked("tags"))
        return await self._answer(caller, arguments, ("email", given), None, recipient=recipient, tags=tags)

    async def of_template(self, caller: Caller, arguments: Arguments) -> Answer:
        """What happened to mail made from a template."""
        given = arguments.path["id"]
        if not (given.isascii() and given.isdigit() and len(given) < 19):
            raise wrong("The id of a template is a number.", "template")
        tags = asked_tags(arguments.asked("tags"))
        return await self._answer(caller, arguments, ("template", given), None, template_id=int(given), tags=tags)

    async def of_tags(self, caller: Caller, arguments: Arguments) -> Answer:
        """What happened to mail that has all of some tags."""
        given = arguments.path["names"]
        tags = asked_tags(f"{given};{arguments.asked('tags') or ''}")
        if not tags:
            raise wrong("Name at least one tag.", "tags")
        return await self._answer(caller, arguments, ("tags", given), None, tags=tags)

    async def _answer(
        self, caller: Caller, arguments: Arguments, path: tuple[str, str], sent_at: float | None, **asked: Any
    ) -> Answer:
        question = Question(
            account_id=caller.account.id,
            period=asked_period(arguments, self._clock.seconds(), sent_at),
            is_extended=is_asked(arguments, "extended"),
            **asked,
        )
        found = await self._search.find(question, _asked_place(arguments), PAGE + 1)
        page = found[:PAGE]
        headers = _next_page(path, arguments, page[-1]) if len(found) > PAGE else {}
        return as_json(list(map(record_of, page)), headers=headers)


def _asked_place(arguments: Arguments) -> Place | None:
    cursor = arguments.asked("cursor")
    if not cursor:
        return None
    try:
        return read_cursor(cursor)
    except BadCursor:
        raise wrong("The cursor must be one that an answer gave.", "cursor") from None


def _next_page(path: tuple[str, str], arguments: Arguments, last: Event) -> Mapping[str, str]:
    """RFC 8288; the token is for the client to add."""
    said = {name: arguments.asked(name) for name in _KEPT}
    query = urlencode({name: value for name, value in said.items() if value} | {"cursor": write_cursor(last)})
    kind, given = path
    return {"Link": f'</v1/events/{kind}/{quote(given, safe="")}?{query}>; rel="next"'}
