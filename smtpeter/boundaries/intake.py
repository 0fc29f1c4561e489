"""The doors ask intake to accept what a client handed in."""

from typing import Protocol

from attrs import frozen

from smtpeter.model.message import Draft, Trace


class Refused(Exception):
    """
    The sender is told no, and why. Nothing was stored.

    @ivar code: the SMTP reply code, 4xx or 5xx.
    @ivar enhanced: the enhanced status code (RFC 3463).
    @ivar text: one line for a person: what is wrong and what to do.
    """

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(code, enhanced, text)
        self.code = code
        self.enhanced = enhanced
        self.text = text


@frozen(kw_only=True)
class Receipt:
    """What was durably accepted."""

    message_ids: tuple[str, ...]
    """In the order of the draft's recipients."""


@frozen(kw_only=True)
class ReturnAddress:
    """A valid return address of ours, or a role address of a domain that we serve."""

    address: str
    """In lower case, however the client wrote it."""
    message_id: str | None
    """C{None} for C{postmaster}, C{abuse} and C{dmarc}."""


class Intake(Protocol):
    """Accepts mail. What it has answered is committed to stable storage."""

    async def submit(self, draft: Draft) -> Receipt:
        """
        Accept a draft.

        @raise Refused: the content or its sender is not accepted.
        @raise AlreadyAsked: there is a submission with the draft's key; nothing was stored.
        @raise StorageFull: no space (452 4.3.1).
        @raise StorageBusy: cannot be stored now (451 4.3.0).
        """

    async def find_return(self, address: str) -> ReturnAddress | None:
        """
        Whether an envelope recipient is a return address (the MAC is checked) or a role address of a served domain.

        @raise StorageBusy: cannot be told now.
        """

    async def take_return(
        self, addresses: tuple[ReturnAddress, ...], reverse_path: str, content: bytes, trace: Trace
    ) -> str:
        """
        Store mail that came back, once per address.

        @return: the id of the first.
        @raise Refused: the content is not acceptable.
        @raise StorageBusy: cannot be stored now.
        """
