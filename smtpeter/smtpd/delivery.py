"""
An envelope and its content handed to intake, and what came of it in a reply.

An envelope may hold returns and ordinary recipients. Returns are stored first: when what follows fails, the client
comes again with everything, and a return that is recorded twice harms less than a mail that a person gets twice.
C{250} is answered only when both are stored; the first failure is the answer for all.
"""

from attrs import define
from twisted.logger import Logger

from smtpeter.boundaries.intake import Intake, Refused
from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.model.message import Trace
from smtpeter.smtpd.envelope import Envelope
from smtpeter.smtpd.replies import CANNOT_STORE, NO_SPACE, Reply


@define(eq=False)
class Delivery:
    """The way from the door to intake."""

    _intake: Intake
    _log: Logger

    async def accept(self, envelope: Envelope, content: bytes, trace: Trace) -> Reply:
        """
        Have a message stored. What is not foreseen is logged, and is a temporary failure to the client.

        @return: C{250} when all of it is on stable storage.
        """
        try:
            first = await self._store(envelope, content, trace)
        except Refused as refused:
            return Reply(refused.code, refused.enhanced, refused.text)
        except StorageFull:
            return NO_SPACE
        except StorageBusy:
            return CANNOT_STORE
        except Exception:
            self._log.failure("a message could not be stored")
            return CANNOT_STORE
        many = f" ({envelope.size} recipients)" if envelope.size > 1 else ""
        return Reply(250, "2.0.0", f"Ok: queued as {first}{many}")

    async def _store(self, envelope: Envelope, content: bytes, trace: Trace) -> str:
        first = ""
        if envelope.returns:
            first = await self._intake.take_return(envelope.returns, envelope.reverse_path, content, trace)
        if envelope.recipients:
            receipt = await self._intake.submit(envelope.draft(content, trace))
            first = receipt.message_ids[0]
        return first
