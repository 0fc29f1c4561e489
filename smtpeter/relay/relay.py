"""
The relay: finds the site of every job and gives it to the site's pool (boundary: L{smtpeter.boundaries.relay}).

A domain whose site is known costs a look into a map. One that is not waits by itself (L{smtpeter.relay.locating}): a
slow DNS delays no other.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from smtpeter.boundaries.relay import Report
from smtpeter.model.outcome import Outcome, Reply
from smtpeter.model.relay import Job
from smtpeter.relay.destinations import Jitter, Site, site_of_route
from smtpeter.relay.dialing import Addresses, Connect, Dialer, connect_over_tcp
from smtpeter.relay.facts import Timeouts
from smtpeter.relay.lines import Entry
from smtpeter.relay.locating import AT_ONCE, Locator
from smtpeter.relay.memory import Memory
from smtpeter.relay.outcomes import Scene, fail, refuse, release
from smtpeter.relay.pools import SitePool
from smtpeter.relay.reports import Reports
from smtpeter.relay.routes import Route, Routes
from smtpeter.relay.shaping import Health, Limits, limits_for
from smtpeter.relay.slots import Slots
from smtpeter.relay.tls import TLSFor, tls_source

SITE_SECONDS = 60.0
"""How long a domain's site is believed without asking the resolver, whose cache follows the DNS."""
HEALTH_SECONDS = 7200.0
MAX_DOMAINS = 50000
MAX_SITES = 20000
_POLL_SECONDS = 0.05
_LAST_SECONDS = 5.0


class Sites(Addresses, Protocol):
    """The resolver, as the relay sees it."""

    async def find_site(self, domain: str, port: int) -> Site:
        """
        The site of a domain.

        @raise NoDestination: there is none, or none can be found now.
        """

    def forget(self, domain: str) -> None:
        """Ask anew for a domain."""


@frozen(kw_only=True)
class RelaySettings:
    """What an operator decides."""

    hostname: str
    """What EHLO says."""
    port: int = 25
    routes: tuple[Route, ...] = ()
    source_addresses: tuple[str, ...] = ()
    timeouts: Timeouts = field(factory=Timeouts)
    max_connections: int = 1000
    """Of all sites together."""
    drain_seconds: float = 30.0
    limits: Callable[[Site], Limits] = limits_for


@define(eq=False)
class MailRelay(Service):
    """Delivers. Each job is reported exactly once, and never inside L{send}."""

    _reactor: IReactorTime
    _resolver: Sites
    _settings: RelaySettings
    _jitter: Jitter
    _tls_for: TLSFor = field(factory=tls_source)
    _connect: Connect | None = None
    _dialer: Dialer = field(init=False)
    _routes: Routes = field(init=False)
    _reports: Reports = field(init=False)
    _slots: Slots = field(init=False)
    _sites: Memory[str, Site] = field(factory=lambda: Memory(MAX_DOMAINS))
    _health: Memory[object, Health] = field(factory=lambda: Memory(MAX_SITES))
    _pools: dict[object, SitePool] = field(factory=dict)
    _locator: Locator = field(init=False)
    _is_draining: bool = False

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self._routes = Routes.of(settings.routes)
        self._reports = Reports(self._reactor)
        self._slots = Slots(settings.max_connections, self._reactor)
        self._locator = Locator(
            find=self._find, found=self._located, unfound=self._unlocated, slots=Slots(AT_ONCE, self._reactor)
        )
        self._dialer = Dialer(
            connect=self._connect or connect_over_tcp(self._reactor),
            clock=self._reactor,
            resolver=self._resolver,
            hostname=settings.hostname,
            tls_for=self._tls_for,
            timeouts=settings.timeouts,
            jitter=self._jitter,
            source_addresses=settings.source_addresses,
        )

    @property
    def connections(self) -> int:
        """How many connections are open, or being opened."""
        return self._slots.used

    def send(self, job: Job, report: Report) -> None:
        """Queue a job at its destination; its outcome is told later, in the reactor's thread."""
        entry = Entry(job, report)
        if self._is_draining:
            self._reports.later([entry], self._released)
            return
        site = self._sites.get(job.domain, self._reactor.seconds()) or self._routed(job.domain)
        if site is not None:
            self._pool(site).send(entry)
        else:
            self._locator.add(entry)

    def retry_now(self, domain: str | None) -> None:
        """Forget pauses and failures of a recipient domain's destination, or of all."""
        if domain is None:
            self._dialer.forget()
            for kept in [*self._health.values(), *(pool.health for pool in self._pools.values())]:
                kept.forget()
            self._sites.clear()
            return
        self._resolver.forget(domain)
        site = self._sites.get(domain, 0.0)
        if site is None:
            return
        self._sites.forget(domain)
        self._dialer.forget(site)
        for exchange in site.exchanges:
            self._resolver.forget(exchange.name)
        self._pool(site).retry_now()

    async def drain(self) -> None:
        """Release what waits, let open transactions end for as long as the settings allow, close the rest."""
        self._is_draining = True
        self._reports.later(self._locator.take_all(), self._released)
        for pool in list(self._pools.values()):
            pool.drain()
        deadline = self._reactor.seconds() + self._settings.drain_seconds
        while self._pools and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, _POLL_SECONDS)
        for pool in list(self._pools.values()):
            pool.abort()
        while self._reports or (self._pools and self._reactor.seconds() < deadline + _LAST_SECONDS):
            await deferLater(self._reactor, 0)

    def _routed(self, domain: str) -> Site | None:
        route = self._routes.find(domain)
        if route is None:
            return None
        site = site_of_route(route)
        self._sites.put(domain, site, self._reactor.seconds() + SITE_SECONDS)
        return site

    async def _find(self, domain: str) -> Site:
        return await self._resolver.find_site(domain, self._settings.port)

    def _located(self, domain: str, site: Site, entries: list[Entry]) -> None:
        self._sites.put(domain, site, self._reactor.seconds() + SITE_SECONDS)
        for entry in entries:
            self._pool(site).send(entry)

    def _unlocated(self, domain: str, reply: Reply, entries: list[Entry]) -> None:
        scene = Scene(site=domain)

        def word(entry: Entry) -> Outcome:
            now = self._reactor.seconds()
            if reply.code >= 500:
                return fail(entry.job.message_id, "connect", reply, scene, now)
            return refuse(entry.job.message_id, "connect", reply, "", scene, now)

        self._reports.later(entries, word)

    def _pool(self, site: Site) -> SitePool:
        pool = self._pools.get(site.key)
        if pool is None:
            pool = self._pools[site.key] = SitePool(
                site=site,
                limits=self._settings.limits(site),
                health=self._health.get(site.key, self._reactor.seconds()) or Health(),
                dialer=self._dialer,
                clock=self._reactor,
                jitter=self._jitter,
                slots=self._slots,
                reports=self._reports,
                on_empty=self._drop,
            )
        return pool

    def _drop(self, pool: SitePool) -> None:
        """Nothing is kept of a site that has nothing to do, but bad health for a while."""
        key = pool.site.key
        if self._pools.get(key) is pool:
            del self._pools[key]
        if pool.health.is_good:
            self._health.forget(key)
        else:
            self._health.put(key, pool.health, self._reactor.seconds() + HEALTH_SECONDS)

    def _released(self, entry: Entry) -> Outcome:
        return release(entry.job.message_id, entry.job.domain, self._reactor.seconds())
