"""Log files: which days there are, which files a day has, and a file as CSV, JSON or XML."""

import re
from collections.abc import Sequence

from attrs import define
from twisted.internet.interfaces import IReactorTime

from smtpeter.events.formats import make_format
from smtpeter.events.logfiles import LogFiles, read_name
from smtpeter.events.rows import fields_of
from smtpeter.events.windows import BadWindow, read_day
from smtpeter.web.api.answers import Answer, Streamed, as_json
from smtpeter.web.api.faults import not_found, wrong
from smtpeter.web.api.openapi import logfiles as described
from smtpeter.web.api.routes import Arguments, Caller, Route

_LIKE_A_DAY = re.compile(r"[\d-]+", re.ASCII)


@define(eq=False)
class LogFileResources:
    """C{/v1/logfiles…}."""

    _files: LogFiles
    _clock: IReactorTime

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        return [
            Route("GET", "/logfiles", "read", self.days, described.DAYS),
            Route("GET", "/logfiles/<name>", "read", self.names_or_file, described.NAMES_OR_FILE),
            Route("GET", "/logfiles/<name>/<format>", "read", self.file, described.FILE),
        ]

    async def days(self, caller: Caller, arguments: Arguments) -> Answer:
        """The days that have log files."""
        days = await self._files.days(caller.account.id, self._clock.seconds())
        return as_json([day.isoformat() for day in days])

    async def names_or_file(self, caller: Caller, arguments: Arguments) -> Answer | Streamed:
        """For a date the names of its log files; for a name the file without the names of its fields."""
        name = arguments.path["name"]
        if not _LIKE_A_DAY.fullmatch(name):
            return await self._file(caller, name, "")
        try:
            day = read_day("date", name)
        except BadWindow:
            raise wrong("A date has the form YYYY-MM-DD.", "date") from None
        return as_json(await self._files.names(caller.account.id, day))

    async def file(self, caller: Caller, arguments: Arguments) -> Streamed:
        """A log file in a form that is named."""
        return await self._file(caller, arguments.path["name"], arguments.path["format"])

    async def _file(self, caller: Caller, name: str, format_name: str) -> Streamed:
        account_id, file = caller.account.id, read_name(name)
        if file is None or not await self._files.exists(account_id, file):
            raise not_found("There is no log file of that name.")
        format = make_format(format_name, fields_of(file.type))
        if format is None:
            raise not_found("Log files have the forms header, json and xml.")
        return Streamed(
            pieces=self._files.pieces(account_id, file, format),
            content_type=format.content_type,
            headers={"X-Content-Type-Options": "nosniff"},
        )
