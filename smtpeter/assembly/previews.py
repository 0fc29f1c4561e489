"""
Builds what makes previews: all that processing consists of a second time, so that mail never waits for a preview.

A CSS worker process and a thread of their own cost nothing until the first preview is asked for. The keys of the tokens
are made at each start and known to nobody else, so that the tracking host and the bounce domain refuse them.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.python.threadpool import ThreadPool
from typing_extensions import override

from smtpeter.assembly.threads import WorkThreads
from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.images import ImageShelf
from smtpeter.model.image import HostedImage
from smtpeter.model.keys import MacKeys
from smtpeter.prepare.compiler import Compiler, CompilerSettings
from smtpeter.prepare.hosting import ImageHost
from smtpeter.prepare.image_hosting import HostingPreparer
from smtpeter.prepare.message import tracking_of
from smtpeter.prepare.pipes import WorkerProcess
from smtpeter.prepare.previews import Previews
from smtpeter.prepare.workers import InlineWorkers

_KEY_BYTES = 32
_CACHE_BYTES = 4 * 1024 * 1024
"""Of changed HTML: enough for who looks again."""


class NoShelf(ImageShelf):
    """Keeps nothing."""

    @override
    async def keep(self, account_id: int, images: Sequence[HostedImage], now: float) -> None:
        """Who only looks stores nothing."""


@frozen(kw_only=True)
class PreviewStage:
    """
    Previews and what runs for them.

    @ivar threads: to be started before, and stopped behind, the workers.
    """

    previews: Previews
    threads: WorkThreads
    workers: InlineWorkers


def build_previews(
    reactor: Any,
    clock: IReactorTime,
    sender_domains: SenderDomains,
    settings: CompilerSettings,
    keys: MacKeys,
    host: ImageHost,
    spawn: Callable[[WorkerProcess], object],
    timeout_seconds: float,
) -> PreviewStage:
    """
    Nothing runs yet.

    @param settings: those of the mail.
    @param keys: those of the mail; of them only the number of the current one is taken, which tokens show.
    @param host: that of the mail: an image has the address that it will have, where it is shown once it was sent.
    @param spawn: starts a CSS worker.
    """
    own = MacKeys(current=keys.current, keys={keys.current: os.urandom(_KEY_BYTES)})
    threads = WorkThreads(reactor, ThreadPool(0, 1, "preview"))
    workers = InlineWorkers(reactor, spawn, 1, timeout_seconds)
    chosen = evolve(settings, cache_bytes=_CACHE_BYTES)
    compiler = Compiler(sender_domains, workers, own, chosen, clock, threads)
    preparer = HostingPreparer(preparer=compiler, host=host, shelf=NoShelf(), threads=threads, seconds=clock.seconds)
    tracking = tracking_of(own, settings.tracking_url)
    return PreviewStage(
        previews=Previews(preparer=preparer, threads=threads, tracking=tracking), threads=threads, workers=workers
    )
