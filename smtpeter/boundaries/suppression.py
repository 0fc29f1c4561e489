"""What is asked about the addresses that an account does not write to."""

from collections.abc import Sequence
from typing import Protocol

from smtpeter.model.suppression import Suppression, SuppressionReason


class SuppressionBook(Protocol):
    """
    Keeps the suppression lists. Addresses may be written in any way that L{smtpeter.model.suppression.listed_address}
    takes. All methods may raise L{smtpeter.boundaries.storage.StorageBusy}.
    """

    async def add(self, entries: Sequence[Suppression]) -> None:
        """
        Put addresses on their lists, all or none.

        An address has one entry: the first, unless a later one is the recipient's own will and the first is not.
        """

    async def remove(self, account_id: int, address: str) -> bool:
        """Take an address off. @return: whether it was there."""

    async def find(self, account_id: int, address: str) -> Suppression | None:
        """An address's entry; C{None} when it has none."""

    async def page(
        self, account_id: int, after: str, limit: int, reason: SuppressionReason | None = None
    ) -> list[Suppression]:
        """
        At most C{limit} entries in the order of their addresses.

        @param after: only those behind this address; empty for the first page.
        @param reason: only those with it.
        """
