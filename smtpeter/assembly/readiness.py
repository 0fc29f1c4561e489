"""What keeps the server from working, for C{/readyz}."""

from collections.abc import Callable

from attrs import define
from sqlalchemy import text

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.storage.database import Database


@define(eq=False)
class ServerReadiness:
    """Asks the parts that mail depends on."""

    _database: Database
    _is_open: Callable[[], bool]
    _is_moving: Callable[[], bool]

    async def faults(self) -> list[str]:
        """What is wrong, a line each; empty when all is well."""
        if not self._is_open():
            return ["the server is starting or stopping"]
        found = [] if self._is_moving() else ["mail is not moving"]
        try:
            await self._database.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
        except StorageBusy as error:
            found.append(f"the database does not answer: {error}")
        else:
            if not self._database.is_writable:
                found.append("writing to the database fails")
        return found
