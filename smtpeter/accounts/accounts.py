"""The rules about accounts: opening, finding, and whether they may send."""

from collections.abc import Callable

from attrs import define

from smtpeter.accounts.names import check_name
from smtpeter.accounts.refusals import AlreadyThere, NotFound, WrongStanding
from smtpeter.boundaries.accounts import AccountBook, NameTaken
from smtpeter.model.account import Account, Standing


@define(eq=False)
class Accounts:
    """
    Accounts.

    @ivar clock: POSIX seconds.
    """

    _book: AccountBook
    _clock: Callable[[], float]

    async def create(self, name: str, is_pending: bool = False) -> Account:
        """
        Open an account.

        @param is_pending: whether an operator has to approve it before it may send.
        @raise WrongName: no account can be called so.
        @raise AlreadyThere: one is.
        """
        checked = check_name(name)
        standing = Standing.PENDING if is_pending else Standing.ACTIVE
        try:
            return await self._book.create_account(checked, standing, self._clock())
        except NameTaken:
            raise AlreadyThere(f"There is an account {checked} already.") from None

    async def all(self) -> list[Account]:
        """All accounts, by name."""
        return await self._book.accounts()

    async def find(self, name: str | None) -> Account:
        """
        The account of that name, or the only one.

        @param name: C{None} when none was said.
        @raise NotFound: there is none, or several to choose from.
        """
        accounts = await self._book.accounts()
        found = [account for account in accounts if name is None or account.name == name]
        if len(found) == 1:
            return found[0]
        known = ", ".join(account.name for account in accounts) or "none yet"
        if name is not None:
            raise NotFound(f"There is no account {name}. Accounts: {known}.")
        if not accounts:
            raise NotFound("There is no account yet: create one first.")
        raise NotFound(f"There are several accounts; say which one. Accounts: {known}.")

    async def approve(self, name: str | None) -> Account:
        """
        Let a pending account send; one that may send already stays as it is.

        @raise WrongStanding: it is suspended.
        """
        return await self._change(await self.find(name), Standing.ACTIVE, Standing.SUSPENDED, "resume it instead")

    async def suspend(self, name: str | None) -> Account:
        """
        Take the right to send away; what is queued is not touched.

        @raise WrongStanding: it is pending.
        """
        return await self._change(await self.find(name), Standing.SUSPENDED, Standing.PENDING, "it cannot send yet")

    async def resume(self, name: str | None) -> Account:
        """
        Give the right to send back.

        @raise WrongStanding: it is pending.
        """
        return await self._change(await self.find(name), Standing.ACTIVE, Standing.PENDING, "approve it instead")

    async def _change(self, account: Account, wanted: Standing, refused: Standing, instead: str) -> Account:
        if account.standing is refused:
            raise WrongStanding(f"The account {account.name} is {refused.value}: {instead}.")
        if account.standing is not wanted:
            await self._book.set_standing(account.id, wanted)
        return Account(id=account.id, name=account.name, standing=wanted)
