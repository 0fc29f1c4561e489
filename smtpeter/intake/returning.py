"""Which envelope recipients are ours: return addresses, whose MAC says so, and role addresses of served domains."""

from attrs import define

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.intake import ReturnAddress
from smtpeter.model.address import AddressError, lookup_domain
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.tokens import Forged, read_bounce

ROLES = frozenset(("postmaster", "abuse", "dmarc"))
"""RFC 2142; C{dmarc} takes the reports that our DNS records ask for."""


@define(eq=False, kw_only=True)
class ReturnAddresses:
    """
    Tells mail that comes back from mail that is to go out.

    @ivar bounce_domains: where return addresses of ours are; A-labels in lower case, as those below.
    @ivar own_domains: names of this server that have role addresses too, its host name first of all.
    """

    sender_domains: SenderDomains
    keys: MacKeys
    bounce_domains: frozenset[str]
    own_domains: frozenset[str]

    def may_be(self, address: str) -> bool:
        """Whether it could be one, judged by its looks alone."""
        local, _, domain = address.lower().rpartition("@")
        return local in ROLES or (local != "" and domain in self.bounce_domains)

    async def find(self, address: str) -> ReturnAddress | None:
        """
        What the address is, if it is ours; its case does not count, and is lower in the answer.

        @raise StorageBusy: cannot be told now.
        """
        own = address.lower()
        local, _, domain = own.rpartition("@")
        if local in ROLES:
            return ReturnAddress(address=own, message_id=None) if await self._is_served(domain) else None
        if domain not in self.bounce_domains:
            return None
        try:
            return ReturnAddress(address=own, message_id=read_bounce(self.keys, own))
        except Forged:
            return None

    async def _is_served(self, domain: str) -> bool:
        if domain in self.bounce_domains or domain in self.own_domains:
            return True
        try:
            name = lookup_domain(domain)
        except AddressError:
            return False
        return await self.sender_domains.is_served(name)
