"""The rules about sender domains: whose mail is sent, and with which key it is signed."""

from collections.abc import Callable

from attrs import define

from smtpeter.accounts.names import check_domain
from smtpeter.accounts.refusals import AlreadyThere, NotFound
from smtpeter.accounts.signing import FIRST_SELECTOR, DNSRecord, key_record
from smtpeter.boundaries.accounts import AccountBook, NameTaken
from smtpeter.model.account import Account, SenderDomain, SigningKey


@define(eq=False)
class Domains:
    """
    Sender domains.

    @ivar clock: POSIX seconds.
    """

    _book: AccountBook
    _clock: Callable[[], float]

    async def add(self, account: Account, name: str, is_approved: bool, private_pem: bytes) -> SenderDomain:
        """
        Add a domain with its key.

        @param is_approved: whether an operator vouches for it.
        @param private_pem: see L{smtpeter.accounts.signing.generate_private_key}.
        @raise WrongName: no mail can come from such a domain.
        @raise AlreadyThere: the account has it.
        """
        checked = check_domain(name)
        key = SigningKey(domain=checked, selector=FIRST_SELECTOR, private_pem=private_pem)
        try:
            return await self._book.create_domain(account.id, checked, is_approved, key, self._clock())
        except NameTaken:
            raise AlreadyThere(f"The account {account.name} has the domain {checked} already.") from None

    async def all(self, account: Account) -> list[SenderDomain]:
        """An account's sender domains, by name."""
        return await self._book.domains(account.id)

    async def find(self, account: Account, name: str) -> SenderDomain:
        """
        One of an account's sender domains.

        @raise WrongName: there can be no such domain.
        @raise NotFound: the account does not have it.
        """
        checked, domains = check_domain(name), await self._book.domains(account.id)
        for domain in domains:
            if domain.name == checked:
                return domain
        known = ", ".join(domain.name for domain in domains) or "none yet"
        raise NotFound(f"The account {account.name} has no domain {checked}. Domains: {known}.")

    async def approve(self, account: Account, name: str) -> SenderDomain:
        """
        Let the account send from it.

        @raise NotFound: the account does not have it.
        """
        domain = await self.find(account, name)
        await self._book.approve_domain(account.id, domain.name)
        return SenderDomain(account_id=account.id, name=domain.name, is_approved=True, key=domain.key)

    async def delete(self, account: Account, name: str) -> SenderDomain:
        """
        Remove a domain and its key: its mail is refused from now on.

        @return: what was removed.
        @raise NotFound: the account does not have it.
        """
        domain = await self.find(account, name)
        await self._book.delete_domain(account.id, domain.name)
        return domain


def records(domain: SenderDomain) -> list[DNSRecord]:
    """What has to be published so that receivers can check the domain's signatures."""
    return [key_record(domain.key)] if domain.key is not None else []
