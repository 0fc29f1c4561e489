"""What people ask of suppression lists, by the REST API and the command line alike."""

from collections.abc import Callable

from attrs import define

from smtpeter.accounts.refusals import NotFound, RuleBroken
from smtpeter.boundaries.suppression import SuppressionBook
from smtpeter.model.account import Account
from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.suppression import MAX_DESCRIPTION, Suppression, SuppressionReason, listed_address


class NoAddress(RuleBroken):
    """What is asked about is no e-mail address."""


@define(eq=False)
class SuppressionLists:
    """
    The lists.

    @ivar clock: POSIX seconds.
    """

    _book: SuppressionBook
    _clock: Callable[[], float]

    async def add(
        self,
        account: Account,
        address: str,
        reason: SuppressionReason = SuppressionReason.MANUAL,
        description: str = "",
    ) -> Suppression:
        """
        Put an address on an account's list.

        @return: its entry, which may be an earlier one.
        @raise NoAddress: it is none.
        """
        listed = _listed(address)
        entry = Suppression(
            account_id=account.id,
            address=listed,
            reason=reason,
            at=self._clock(),
            description=" ".join(description.split())[:MAX_DESCRIPTION],
        )
        await self._book.add([entry])
        return await self._book.find(account.id, listed) or entry

    async def remove(self, account: Account, address: str) -> str:
        """
        Take an address off an account's list.

        @return: as it stood there.
        @raise NoAddress: it is none.
        @raise NotFound: it did not.
        """
        listed = _listed(address)
        if not await self._book.remove(account.id, listed):
            raise _not_there(account, listed)
        return listed

    async def find(self, account: Account, address: str) -> Suppression:
        """
        An address's entry.

        @raise NoAddress: it is none.
        @raise NotFound: the account has none.
        """
        listed = _listed(address)
        found = await self._book.find(account.id, listed)
        if found is None:
            raise _not_there(account, listed)
        return found

    async def page(
        self, account: Account, after: str, limit: int, reason: SuppressionReason | None = None
    ) -> list[Suppression]:
        """A part of an account's list, by address (L{SuppressionBook.page})."""
        return await self._book.page(account.id, after, limit, reason)


def _listed(address: str) -> str:
    try:
        return listed_address(parse_address(address))
    except AddressError as problem:
        raise NoAddress(f"This is no e-mail address: {problem}.") from None


def _not_there(account: Account, listed: str) -> NotFound:
    return NotFound(f"{listed} is not on the suppression list of the account {account.name}.")
