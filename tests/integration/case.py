"""The compiler with everything real around it: worker processes, threads, a key."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase
from typing_extensions import override

from smtpeter.assembly.threads import WorkThreads
from smtpeter.boundaries.prepare import Prepared
from smtpeter.model.options import Features
from smtpeter.prepare.compiler import Compiler, CompilerSettings
from smtpeter.prepare.workers import InlineWorkers, inline_workers
from tests.prepare.rig import BASE, KEYS, Domains, submission

WORKER_MEMORY = 256 * 1024 * 1024


class ProcessingCase(TestCase):
    """Has a compiler that works as in the server."""

    timeout = 600
    seconds = 5.0
    """The time limit of the engine."""
    engine = "premailer"

    @override
    def setUp(self) -> None:
        real: Any = reactor
        pool = ThreadPool(0, 2, "work")
        self.threads = WorkThreads(real, pool)
        self.threads.startService()
        self.addCleanup(self.threads.stopService)
        self.workers: InlineWorkers = inline_workers(real, real, 1, self.seconds, WORKER_MEMORY, engine=self.engine)
        self.workers.startService()
        self.addCleanup(self.workers.stopService)
        self.domains = Domains()
        settings = CompilerSettings(hostname="mail.example.com", tracking_url=BASE, bounce_domain="bounces.example.com")
        self.compiler = Compiler(self.domains, self.workers, KEYS, settings, real, self.threads)

    async def prepared(self, content: bytes, features: Features, **others: Any) -> Prepared:
        """Compile."""
        return await self.compiler.prepare(submission(content, features, **others))


def from_coroutine(work: Any) -> "Deferred[None]":
    """What trial waits for."""
    return Deferred.fromCoroutine(work)
