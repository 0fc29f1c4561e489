"""Builds the stages from the settings and introduces them to each other. Where clock and chance come in."""

import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import asdict, define, field
from twisted.internet.interfaces import IReactorTime

from smtpeter.archive.monitors import Post
from smtpeter.archive.sent import SentRenderer
from smtpeter.archive.upkeep import Upkeep
from smtpeter.assembly.clocks import DatedRelay, WallClock
from smtpeter.assembly.fetching import build_fetcher
from smtpeter.assembly.foundations import Foundations
from smtpeter.assembly.meters import Meters
from smtpeter.assembly.previews import NoShelf, PreviewStage, build_previews
from smtpeter.assembly.threads import WorkThreads
from smtpeter.assembly.upkeep import MONITOR_LIMITS, build_gathering, build_telling, build_upkeep
from smtpeter.auth.vault import KeyedVault
from smtpeter.boundaries.prepare import Preparer
from smtpeter.config import Settings
from smtpeter.intake.desk import IntakeDesk
from smtpeter.intake.returning import ReturnAddresses
from smtpeter.model.identity import new_id
from smtpeter.prepare.compiler import Compiler, CompilerSettings
from smtpeter.prepare.entrusting import EntrustingPreparer
from smtpeter.prepare.hosting import ImageHost
from smtpeter.prepare.image_hosting import HostingPreparer
from smtpeter.prepare.maker import NO_ENGINE
from smtpeter.prepare.makers import CROWD, Makers, maker_spawner
from smtpeter.prepare.orders import packed_setup
from smtpeter.prepare.pipes import WorkerProcess
from smtpeter.prepare.workers import InlineWorkers, spawner
from smtpeter.queue.pump import Pump
from smtpeter.relay.relay import MailRelay, RelaySettings
from smtpeter.relay.resolver import MailResolver, names_client, system_hosts
from smtpeter.storage.database import Database
from smtpeter.storage.directory import StoredDirectory
from smtpeter.storage.images import StoredImages
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.sent import StoredSent
from smtpeter.storage.space import shortness
from smtpeter.web.site import host_of
from smtpeter.web.visits import Visits

_ID_CHANCE_BYTES = 6


def fresh_id(now: float) -> str:
    """An id that nobody else gives."""
    return new_id(now, os.urandom(_ID_CHANCE_BYTES))


@define(eq=False)
class Stages:
    """The parts between doors and storage, joined in the order of the way of a message."""

    settings: Settings
    foundations: Foundations
    reactor: Any
    """What waits, and the clock that only runs."""
    meters: Meters = field(factory=Meters)
    clock: IReactorTime = field(init=False)
    """The clock on the wall."""
    database: Database = field(init=False)
    directory: StoredDirectory = field(init=False)
    threads: WorkThreads = field(init=False)
    workers: InlineWorkers = field(init=False)
    plain: Makers = field(init=False)
    styled: Makers = field(init=False)
    images: StoredImages = field(init=False)
    compiler: Preparer = field(init=False)
    reader: Preparer = field(init=False)
    """Makes again what was sent, to be looked at: its images are not kept for that."""
    preview: PreviewStage = field(init=False)
    resolver: MailResolver = field(init=False)
    relay: MailRelay = field(init=False)
    pump: Pump = field(init=False)
    intake: IntakeDesk = field(init=False)
    visits: Visits = field(init=False)
    upkeep: Upkeep = field(init=False)
    sent: SentRenderer = field(init=False)
    gathering: Upkeep = field(init=False)
    telling: Upkeep = field(init=False)
    _store: StoredQueue = field(init=False)

    def __attrs_post_init__(self) -> None:
        jitter = random.SystemRandom().random
        self.clock = WallClock(self.reactor)
        self.threads = WorkThreads(self.reactor)
        self._build_storage()
        self.relay = self._build_relay(jitter)
        self.pump = self._build_pump(jitter)
        self.intake = self._build_intake()
        self.upkeep = build_upkeep(self.settings.retention, self.database, self.threads, self.clock)
        self.sent = SentRenderer(StoredSent(database=self.database), self.reader)
        self.gathering = build_gathering(self.database, self.sent, self.threads, self.foundations.node_id, self.clock)
        self.telling = self._build_telling()

    def _build_storage(self) -> None:
        settings, vault = self.settings, KeyedVault(self.foundations.secrets.vault_keys, os.urandom)
        self.database = Database(url=settings.database.url, reactor=self.reactor, make_lane=self.meters.make_lane)
        is_short = shortness(settings.database.url)
        self._store = StoredQueue(
            database=self.database,
            node_id=self.foundations.node_id,
            is_short=is_short,
            reasons=settings.suppression.reasons,
            settled=self.meters.settled,
        )
        self.directory = StoredDirectory(database=self.database, vault=vault, clock=self.reactor)
        self.images = StoredImages(database=self.database, is_short=is_short)
        self.visits = Visits(StoredJournal(database=self.database), self.reactor)

    def _build_relay(self, jitter: Callable[[], float]) -> MailRelay:
        settings = self.settings
        self.resolver = MailResolver(
            client=names_client(self.reactor, [f"[{host}]:{port}" for host, port in settings.dns.servers]),
            clock=self.reactor,
            own_names=frozenset((settings.server.hostname,)),
            own_addresses=frozenset(settings.relay.source_addresses),
            allow_private=settings.relay.allow_private,
            hosts_file=system_hosts(),
        )
        chosen = RelaySettings(
            hostname=settings.server.hostname,
            port=settings.relay.port,
            routes=self.foundations.routes,
            source_addresses=settings.relay.source_addresses,
        )
        return MailRelay(self.reactor, self.resolver, chosen, jitter)

    def _build_pump(self, jitter: Callable[[], float]) -> Pump:
        settings, processing = self.settings, self.settings.processing
        spawn = spawner(self.reactor, processing.timeout, processing.worker_memory, engine=processing.inliner)
        self.workers = InlineWorkers(
            self.reactor, self._counted(spawn), processing.workers, processing.timeout, self.meters.worker_killed
        )
        self._build_compilers(spawn)
        return Pump(
            clock=self.clock,
            store=self._store,
            preparer=self.compiler,
            relay=DatedRelay(self.relay, self.reactor, self.clock),
            new_id=fresh_id,
            jitter=jitter,
            hostname=settings.server.hostname,
            settled=self.meters.settled,
        )

    def _build_compilers(self, spawn: Callable[[WorkerProcess], object]) -> None:
        settings, keys = self.settings, self.foundations.secrets.mac_keys
        chosen = CompilerSettings(
            hostname=settings.server.hostname,
            tracking_url=settings.tracking.url,
            bounce_domain=settings.tracking.bounce_domain,
            show_client_address=settings.smtp.show_client_address,
        )
        inliner = self.meters.inliner(self.workers, self.reactor)
        compiler = Compiler(self.directory, inliner, keys, chosen, self.clock, self.threads)
        setup = packed_setup(asdict(chosen), keys)
        self.plain, self.styled = self._makers(setup, NO_ENGINE), self._makers(setup, settings.processing.inliner)
        plain = self.meters.plain_making(self.plain, self.reactor)
        styled = self.meters.making(self.styled, self.reactor)
        entrusting = EntrustingPreparer(compiler, self.directory, plain, styled, self.clock)
        host = ImageHost(keys=keys, base=settings.tracking.url)
        hosting = partial(
            HostingPreparer, preparer=entrusting, host=host, threads=self.threads, seconds=self.clock.seconds
        )
        self.compiler, self.reader = hosting(shelf=self.images), hosting(shelf=NoShelf())
        timeout = settings.processing.timeout
        self.preview = build_previews(self.reactor, self.clock, self.directory, chosen, keys, host, spawn, timeout)

    def _makers(self, setup: bytes, engine: str) -> Makers:
        processing = self.settings.processing
        spawn = maker_spawner(self.reactor, processing.timeout, processing.worker_memory, setup, engine)
        return Makers(
            self.reactor,
            self._counted(spawn),
            processing.workers,
            processing.timeout,
            self.meters.worker_killed,
            # What has style sheets takes long, and would wait for another process instead.
            crowd=CROWD if engine == NO_ENGINE else 1,
            is_awaited=engine != NO_ENGINE,
        )

    def _build_telling(self) -> Upkeep:
        settings = self.settings
        fetcher = build_fetcher(self.reactor, self.resolver, MONITOR_LIMITS, settings.web.allow_private)
        post = Post(
            hostname=settings.server.hostname,
            max_age_seconds=settings.relay.max_age_hours * 3600,
            new_id=fresh_id,
            chance=os.urandom,
        )
        return build_telling(self.database, fetcher, self.threads, post, self.clock)

    def _counted(self, spawn: Callable[[WorkerProcess], object]) -> Callable[[WorkerProcess], object]:
        def spawn_and_count(process: WorkerProcess) -> object:
            self.meters.worker_started()
            return spawn(process)

        return spawn_and_count

    def _build_intake(self) -> IntakeDesk:
        settings = self.settings
        addresses = ReturnAddresses(
            sender_domains=self.directory,
            keys=self.foundations.secrets.mac_keys,
            bounce_domains=frozenset((settings.tracking.bounce_domain,)),
            own_domains=frozenset((settings.server.hostname, host_of(settings.tracking.url).decode())),
        )
        return IntakeDesk(
            shelf=self._store,
            handover=self.pump,
            sender_domains=self.directory,
            return_addresses=addresses,
            threads=self.threads,
            clock=self.clock,
            chance=os.urandom,
            sender_rule=settings.submission.sender_domains,
            max_age_seconds=settings.relay.max_age_hours * 3600,
            accepted=self.meters.accepted,
            accepted_bytes=self.meters.accepted_bytes,
        )
