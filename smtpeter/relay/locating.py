"""
Finds the sites of domains that are not known yet.

So many at a time, in shares for each account (L{smtpeter.relay.slots}): a domain whose name servers do not answer takes
seconds to be given up, and an account with thousands of them must not let anybody else's mail wait.
"""

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smtpeter.model.outcome import Reply
from smtpeter.relay.destinations import NoDestination, Site
from smtpeter.relay.lines import Entry
from smtpeter.relay.slots import Slots

AT_ONCE = 200
"""Domains that are looked for at one time; each question has a UDP socket of its own."""


@define(eq=False)
class _Search:
    """A domain, and who waits for its site. It may claim a slot."""

    domain: str
    _begin: Callable[["_Search"], None]
    entries: list[Entry] = field(factory=list)
    accounts: dict[int, None] = field(factory=dict)
    is_begun: bool = False

    def pump(self) -> None:
        """There is a slot."""
        if self.entries and not self.is_begun:
            self._begin(self)


@define(eq=False, kw_only=True)
class Locator:
    """
    Searches under way, and those that wait for their turn.

    @ivar find: gives the site of a domain, or raises L{NoDestination}.
    @ivar found: takes what was found, and who waits for it.
    @ivar unfound: takes what is to be said when nothing was.
    """

    find: Callable[[str], Awaitable[Site]]
    found: Callable[[str, Site, list[Entry]], None]
    unfound: Callable[[str, Reply, list[Entry]], None]
    slots: Slots
    _searches: dict[str, _Search] = field(factory=dict)
    _log: Logger = field(factory=Logger)

    def add(self, entry: Entry) -> None:
        """Look for the site of an entry's domain, once for all who want to know."""
        domain, account_id = entry.job.domain, entry.job.account_id
        search = self._searches.get(domain)
        if search is None:
            search = self._searches[domain] = _Search(domain, self._begin)
        search.entries.append(entry)
        if account_id not in search.accounts:
            search.accounts[account_id] = None
            search.pump()

    def take_all(self) -> list[Entry]:
        """Take out all who wait; what is found for them from now on is nobody's."""
        entries = [entry for search in self._searches.values() for entry in search.entries]
        for search in self._searches.values():
            search.entries = []
        self._searches.clear()
        return entries

    def _begin(self, search: _Search) -> None:
        if self.slots.take(search, search.accounts):
            search.is_begun = True
            _ = Deferred.fromCoroutine(self._run(search))

    async def _run(self, search: _Search) -> None:
        try:
            site = await self.find(search.domain)
        except NoDestination as error:
            self.unfound(search.domain, error.reply, self._ended(search))
        except Exception:
            # A fault of ours must not leave the jobs waiting for ever.
            self._log.failure("cannot find the destination of {domain}", domain=search.domain)
            reply = Reply(code=451, enhanced="4.3.0", text="the destination could not be found")
            self.unfound(search.domain, reply, self._ended(search))
        else:
            self.found(search.domain, site, self._ended(search))

    def _ended(self, search: _Search) -> list[Entry]:
        self.slots.give_back(search)
        if self._searches.get(search.domain) is search:
            del self._searches[search.domain]
        return search.entries
