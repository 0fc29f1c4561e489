"""Tests of the lanes and their service with processes that are none, and with real ones."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.task import Clock, deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from typing_extensions import override
from zope.interface import implementer

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.alike import PATIENCE
from smtpeter.prepare.frames import FrameReader, frame, packed_error, packed_result, unpacked_request
from smtpeter.prepare.lanes import AHEAD, AHEAD_BYTES, ENDED, MAX_PAUSE_SECONDS, NOT_RUNNING, START_SECONDS
from smtpeter.prepare.pipes import MAX_LOGGED, WorkerProcess
from smtpeter.prepare.workers import (
    BUSY,
    CROWD,
    MAX_CHARACTERS,
    MAX_RESULTS_BYTES,
    MAX_WAITING,
    PATIENCE_SECONDS,
    REFUSAL_SECONDS,
    TOO_LARGE,
    InlineWorkers,
    inline_workers,
)

TIMEOUT = 5.0


@define(eq=False)
class FakeProcess:
    """The transport of a worker process that does what a test says."""

    protocol: WorkerProcess
    written: bytearray = field(factory=bytearray)
    is_killed: bool = False
    is_over: bool = False

    def write(self, data: bytes) -> None:
        """Take a request."""
        self.written += data

    def signalProcess(self, name: str) -> None:
        """Be killed; the end is reported by L{end}."""
        assert name == "KILL"
        if self.is_over:
            raise ProcessExitedAlready
        self.is_killed = True

    def get_ready(self) -> None:
        """Say that the engine is imported."""
        self.protocol.outReceived(frame(b""))

    def requests(self) -> list[str]:
        """The HTML of all requests so far."""
        return [unpacked_request(content).html for content in FrameReader().feed(bytes(self.written))]

    def reply(self, *attributes: str) -> None:
        """Answer the request in work."""
        result = InlineResult(attributes={}, remaining=attributes)
        self.protocol.outReceived(frame(packed_result(result)))

    def refuse(self, sentence: str) -> None:
        """Answer that it cannot be done."""
        self.protocol.outReceived(frame(packed_error(sentence)))

    def end(self) -> None:
        """Be over."""
        self.is_over = True
        self.protocol.processEnded(Failure(ProcessDone(0)))


def request(html: str, sheet: str = "s") -> InlineRequest:
    """A request that nobody looks at."""
    return InlineRequest(html=html, style_sheets=(sheet,))


class WorkersCase(SynchronousTestCase):
    """A service whose processes are L{FakeProcess}es."""

    count = 1

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.processes: list[FakeProcess] = []
        self._unseen: list[Deferred[InlineResult | None]] = []
        self.workers = InlineWorkers(self.clock, self.spawn, self.count, TIMEOUT)
        self.workers.startService()

    def spawn(self, protocol: WorkerProcess) -> None:
        """Start a process that is none."""
        process = FakeProcess(protocol)
        protocol.transport = process  # type: ignore[assignment]
        self.processes.append(process)

    def ask(self, html: str, sheet: str = "s") -> Deferred[InlineResult]:
        """Ask for a document."""
        return Deferred.fromCoroutine(self.workers.inline(request(html, sheet)))

    def put(self, *wanted: tuple[str, str] | str) -> None:
        """Ask for documents, and do not look at what comes."""
        for one in wanted:
            asked = self.ask(one) if isinstance(one, str) else self.ask(*one)
            self._unseen.append(asked.addErrback(lambda _: None))

    def assertFails(self, asked: Deferred[InlineResult], sentence: str) -> None:
        """It was refused with that sentence."""
        self.assertEqual(str(self.failureResultOf(asked, InliningFailed).value), sentence)

    def refused_by_time(self) -> str:
        """What is said when a task takes too long."""
        return f"The CSS engine took longer than {TIMEOUT:g} seconds over this HTML."


class OneWorkerTests(WorkersCase):
    """One lane."""

    def test_first_use(self) -> None:
        """A process starts with the first request, gets it when it is ready, and stays for the next."""
        self.assertEqual(self.processes, [])
        first = self.ask("a")
        (process,) = self.processes
        self.assertEqual(process.requests(), [])
        process.get_ready()
        process.reply("done")
        self.assertEqual(self.successResultOf(first).remaining, ("done",))
        second = self.ask("b")
        process.reply("again")
        self.assertEqual(self.successResultOf(second).remaining, ("again",))
        self.assertEqual(process.requests(), ["a", "b"])

    def test_sent_ahead(self) -> None:
        """A worker gets a few small requests at once and answers them in their order; the others wait in theirs."""
        names = [f"{number}" for number in range(AHEAD + 2)]
        asked = [self.ask(name) for name in names]
        (process,) = self.processes
        process.get_ready()
        self.assertEqual(process.requests(), names[:AHEAD])
        for number, one in enumerate(asked):
            self.assertNoResult(one)
            process.reply(f"done {number}")
            self.assertEqual(self.successResultOf(one).remaining, (f"done {number}",))
            self.assertEqual(process.requests(), names[: AHEAD + 1 + number])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_large_ones_go_alone(self) -> None:
        """What is sent ahead has a limit in octets; a request beyond it is sent when the worker has nothing else."""
        large = "x" * AHEAD_BYTES
        self.put("a", large, "b")
        (process,) = self.processes
        process.get_ready()
        self.assertEqual(process.requests(), ["a"])
        process.reply("x")
        self.assertEqual(process.requests(), ["a", large])
        process.reply("x")
        self.assertEqual(process.requests(), ["a", large, "b"])

    def test_equal_requests(self) -> None:
        """Equal requests at one time are one, and the result is kept."""
        asked = [self.ask("a"), self.ask("a")]
        (process,) = self.processes
        process.get_ready()
        process.reply("x")
        asked.append(self.ask("a"))
        self.assertEqual([self.successResultOf(one).remaining for one in asked], [("x",)] * 3)
        self.assertEqual(process.requests(), ["a"])

    def test_letters_of_a_mailing(self) -> None:
        """What differs from a request in its texts alone has its answer, while that is made and later."""
        asked = [self.ask(f"<p>Dear {name}</p>") for name in ("Ann", "Bob")]
        (process,) = self.processes
        process.get_ready()
        process.reply("x")
        asked += [self.ask(f"<p>Dear number {number}</p>") for number in range(2 * PATIENCE)]
        self.assertEqual({self.successResultOf(one).remaining for one in asked}, {("x",)})
        self.assertEqual(process.requests(), ["<p>Dear Ann</p>"])

    def test_letters_that_are_all_different(self) -> None:
        """When nothing alike is met for long, it is looked for seldom."""
        for number in range(PATIENCE):
            self.put("<p>x<br>" + "<br>" * number)
        self.put("<p>Dear Ann", "<p>Dear Bob", "<p>Dear Ann")
        (process,) = self.processes
        process.get_ready()
        for _ in range(PATIENCE + 2):
            process.reply("x")
        self.assertEqual(process.requests()[PATIENCE:], ["<p>Dear Ann", "<p>Dear Bob", "<p>Dear Ann"])

    def test_sheets_tell_requests_apart(self) -> None:
        """The style sheets are part of what is asked."""
        self.put(("a", "x"), ("a", "y"))
        self.processes[0].get_ready()
        self.processes[0].reply()
        self.assertEqual(self.processes[0].requests(), ["a", "a"])

    def test_results_are_bounded(self) -> None:
        """The oldest results are forgotten when there are too many."""
        self.put("first")
        (process,) = self.processes
        process.get_ready()
        process.reply("x" * (MAX_RESULTS_BYTES // 2))
        self.put("second")
        process.reply("x" * (MAX_RESULTS_BYTES // 2))
        self.successResultOf(self.ask("second"))
        self.assertNoResult(self.ask("first"))

    def test_results_asked_for_stay(self) -> None:
        """Of the results that are kept, the one that was not asked for longest is forgotten first."""
        self.put("first")
        (process,) = self.processes
        process.get_ready()
        for name in ("first", "second", "third"):
            if name == "third":
                self.successResultOf(self.ask("first"))
            self.put(name)
            process.reply("x" * (MAX_RESULTS_BYTES * 2 // 5))
        self.successResultOf(self.ask("first"))
        self.assertNoResult(self.ask("second"))

    def test_requests_are_told_apart(self) -> None:
        """Requests are equal when HTML and style sheets are, each for itself, and not when all their text is."""
        requests = [("ab", ("c",)), ("a", ("bc",)), ("a", ("b", "c")), ("abc", ()), ("", ("a", "bc"))]
        for html, sheets in requests:
            asked = Deferred.fromCoroutine(self.workers.inline(InlineRequest(html=html, style_sheets=sheets)))
            self._unseen.append(asked.addErrback(lambda _: None))
        self.processes[0].get_ready()
        for _ in requests:
            self.processes[0].reply("x")
        self.assertEqual(self.processes[0].requests(), [html for html, _ in requests])

    def test_refusal(self) -> None:
        """What the engine refuses is not asked again for a while; the worker goes on."""
        self.put("a")
        (process,) = self.processes
        process.get_ready()
        process.refuse("No.")
        self.assertFails(self.ask("a"), "No.")
        self.assertEqual(process.requests(), ["a"])
        self.clock.advance(REFUSAL_SECONDS + 1)
        self.assertNoResult(self.ask("a"))
        self.assertEqual(process.requests(), ["a", "a"])

    def test_time_out(self) -> None:
        """A task past its time fails alone: its worker is killed, and a new one does the next."""
        slow, next_ = self.ask("slow"), self.ask("next")
        self.processes[0].get_ready()
        self.clock.advance(TIMEOUT - 0.1)
        self.assertNoResult(slow)
        self.clock.advance(0.2)
        self.assertFails(slow, self.refused_by_time())
        self.assertTrue(self.processes[0].is_killed)
        self.assertEqual(len(self.processes), 1)
        self.processes[0].reply("too late")
        self.assertNoResult(next_)
        self.processes[0].end()
        self.processes[1].get_ready()
        self.processes[1].reply("x")
        self.assertEqual(self.successResultOf(next_).remaining, ("x",))
        self.assertFails(self.ask("slow"), self.refused_by_time())

    def test_short_time(self) -> None:
        """A limit below the time after which others help is kept to the moment."""
        self.workers = InlineWorkers(self.clock, self.spawn, 1, PATIENCE_SECONDS / 4)
        self.workers.startService()
        slow = self.ask("slow")
        self.processes[-1].get_ready()
        self.clock.advance(PATIENCE_SECONDS / 4)
        self.failureResultOf(slow, InliningFailed)

    def test_ahead_again(self) -> None:
        """After a task that took long the next are sent ahead as before."""
        self.put("slow", "a")
        (process,) = self.processes
        process.get_ready()
        self.clock.advance(PATIENCE_SECONDS)
        self.put("b")
        self.assertEqual(process.requests(), ["slow", "a"])
        process.reply("x")
        self.assertEqual(process.requests(), ["slow", "a", "b"])

    def test_time_starts_with_the_turn(self) -> None:
        """Neither the start of a process nor the wait for other tasks counts."""
        first, second = self.ask("a"), self.ask("b")
        self.clock.advance(START_SECONDS - 1)
        self.processes[0].get_ready()
        self.clock.advance(TIMEOUT - 1)
        self.processes[0].reply("x")
        self.clock.advance(TIMEOUT - 1)
        self.successResultOf(first)
        self.processes[0].reply("y")
        self.assertEqual(self.successResultOf(second).remaining, ("y",))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_each_turn_has_its_time(self) -> None:
        """Of requests that are with a worker the time of the first runs alone; past it the others go to a new one."""
        asked = [self.ask(name) for name in "abc"]
        self.processes[0].get_ready()
        for one in asked[:2]:
            self.clock.advance(TIMEOUT - 0.1)
            self.processes[0].reply("x")
            self.successResultOf(one)
        self.put("d", "e")
        self.clock.advance(TIMEOUT - 0.1)
        self.assertNoResult(asked[2])
        self.clock.advance(0.2)
        self.assertFails(asked[2], self.refused_by_time())
        self.processes[0].end()
        self.processes[1].get_ready()
        self.assertEqual(self.processes[1].requests(), ["d", "e"])

    def test_breakdown(self) -> None:
        """A worker that dies over a task fails that task alone; those behind it are begun anew, in their order."""
        bad, *others = (self.ask(name) for name in "abc")
        self.processes[0].get_ready()
        self.processes[0].end()
        self.assertFails(bad, ENDED)
        self.processes[1].get_ready()
        self.assertEqual(self.processes[1].requests(), ["b", "c"])
        for other in others:
            self.processes[1].reply("x")
            self.successResultOf(other)

    def test_start_fails_after_breakdown(self) -> None:
        """What was sent ahead to a worker that broke down is not held to be refused when no other can be started."""
        bad, behind = self.ask("bad"), self.ask("behind")
        self.processes[0].get_ready()
        self.processes[0].end()
        self.processes[1].end()
        self.assertFails(bad, ENDED)
        self.assertFails(behind, NOT_RUNNING)
        self.clock.advance(MAX_PAUSE_SECONDS)
        again = self.ask("behind")
        self.processes[2].get_ready()
        self.processes[2].reply("x")
        self.successResultOf(again)
        self.flushLoggedErrors()

    def test_end_while_idle(self) -> None:
        """A worker that ends with nothing to do is replaced at the next request."""
        self.put("a")
        self.processes[0].get_ready()
        self.processes[0].reply("x")
        self.processes[0].end()
        self.assertEqual(len(self.processes), 1)
        self.put("b")
        self.assertEqual(len(self.processes), 2)

    def test_dies_at_start(self) -> None:
        """A worker that does not start fails what waits, and is tried again after a pause that grows."""
        pause = 1.0
        for attempt in range(1, 12):
            asked = self.ask(f"{attempt}")
            self.assertEqual(len(self.processes), attempt)
            self.processes[-1].end()
            self.assertFails(asked, NOT_RUNNING)
            self.assertFails(self.ask("at once"), NOT_RUNNING)
            self.assertEqual(len(self.processes), attempt)
            self.clock.advance(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
        # What was refused since there was no worker is no refusal of the document.
        asked = self.ask("at once")
        self.processes[-1].get_ready()
        self.processes[-1].reply("x")
        self.successResultOf(asked)
        # Once it has started the next pause is short again.
        self.processes[-1].end()
        self.assertFails(self.dying("b"), NOT_RUNNING)
        self.clock.advance(1)
        asked = self.ask("b")
        self.processes[-1].get_ready()
        self.processes[-1].reply("x")
        self.successResultOf(asked)
        self.flushLoggedErrors()

    def dying(self, html: str) -> Deferred[InlineResult]:
        """Ask for a document whose worker does not start."""
        asked = self.ask(html)
        self.processes[-1].end()
        return asked

    def test_never_ready(self) -> None:
        """A worker that does not get ready is killed."""
        asked = self.ask("a")
        self.clock.advance(START_SECONDS + 1)
        self.assertTrue(self.processes[0].is_killed)
        self.processes[0].get_ready()
        self.processes[0].end()
        self.assertFails(asked, NOT_RUNNING)

    def test_cannot_spawn(self) -> None:
        """A system that has no process left fails the request and nothing else."""

        def refuse(process: WorkerProcess) -> None:
            raise OSError("no more")

        self.workers = InlineWorkers(self.clock, refuse, 1, TIMEOUT)
        self.workers.startService()
        self.assertFails(self.ask("a"), NOT_RUNNING)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nonsense(self) -> None:
        """A worker that announces an endless frame is killed; one that answers unasked is not heard."""
        asked = self.ask("a")
        (process,) = self.processes
        process.get_ready()
        process.protocol.outReceived(b"\xff\xff\xff\xff")
        self.assertTrue(process.is_killed)
        process.end()
        self.assertFails(asked, ENDED)
        self.put("b")
        self.processes[1].get_ready()
        self.processes[1].reply("x")
        self.processes[1].reply("unasked")
        self.assertNoResult(self.ask("c"))

    def test_bounds(self) -> None:
        """Too large a document, and too many at a time, are refused at once."""
        self.assertFails(self.ask("x" * (MAX_CHARACTERS + 1)), TOO_LARGE)
        for number in range(MAX_WAITING):
            self.put(f"{number}")
        self.assertFails(self.ask("one more"), BUSY)
        self.processes[0].get_ready()
        self.processes[0].reply("x")
        self.assertNoResult(self.ask("one more"))

    def test_bound_of_octets(self) -> None:
        """What waits has a limit in octets too."""
        for number in range(16):
            self.put(f"{number:04}" + "x" * (MAX_CHARACTERS - 100))
        self.assertFails(self.ask("x" * MAX_CHARACTERS), BUSY)

    def test_cancelled_while_waiting(self) -> None:
        """A request for which nobody waits any more is not begun; one that others wait for is."""
        self.put("a")
        lost, kept, other = self.ask("lost"), self.ask("kept"), self.ask("kept")
        lost.cancel()
        kept.cancel()
        self.failureResultOf(lost, CancelledError)
        self.failureResultOf(kept, CancelledError)
        (process,) = self.processes
        process.get_ready()
        process.reply("x")
        self.assertEqual(process.requests(), ["a", "kept"])
        process.reply("y")
        self.successResultOf(other)
        self.assertEqual(self.workers._tasks_bytes, 0)

    def test_cancelled_while_in_work(self) -> None:
        """A request that is cancelled in work ends quietly, and its result is kept."""
        asked = self.ask("a")
        self.processes[0].get_ready()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.processes[0].reply("x")
        self.assertEqual(self.successResultOf(self.ask("a")).remaining, ("x",))

    def test_stop(self) -> None:
        """Stopping cancels what waits, kills the process and waits for its end; then nothing is taken."""
        asked = [self.ask("a"), self.ask("b")]
        self.processes[0].get_ready()
        stopped = self.workers.stopService()
        for one in asked:
            self.failureResultOf(one, CancelledError)
        self.assertTrue(self.processes[0].is_killed)
        self.assertNoResult(stopped)
        self.processes[0].end()
        self.successResultOf(stopped)
        self.failureResultOf(self.ask("c"), CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.processes), 1)

    def test_stop_unused(self) -> None:
        """A service that was never used stops at once."""
        self.successResultOf(self.workers.stopService())

    def test_before_start(self) -> None:
        """Before the service starts nothing is taken: the process forks in between."""
        self.workers = InlineWorkers(self.clock, self.spawn, 1, TIMEOUT)
        self.failureResultOf(self.ask("a"), CancelledError)
        self.assertEqual(self.processes, [])

    def test_standard_error(self) -> None:
        """What a worker says on its standard error is logged, up to a limit."""
        events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.put("a")
        for _ in range(3):
            self.processes[0].protocol.errReceived(b"x" * (MAX_LOGGED - 1))
        texts = [event["text"] for event in events if "text" in event]
        self.assertEqual(list(map(len, texts)), [MAX_LOGGED - 1, 1])


class TwoWorkersTests(WorkersCase):
    """Two lanes."""

    count = 2

    def test_affinity(self) -> None:
        """Requests with one style sheet go to one worker; with many sheets both are used."""
        self.put(("a", "s"), ("b", "s"), ("c", "s"))
        self.assertEqual(len(self.processes), 1)
        for number in range(20):
            self.put(("a", f"{number}"))
        self.assertEqual(len(self.processes), 2)

    def test_help(self) -> None:
        """When a worker is busy for long, an idle one takes what waits and what comes; nothing is sent ahead to it."""
        self.put("slow", "waits")
        self.processes[0].get_ready()
        self.assertEqual(len(self.processes), 1)
        self.clock.advance(PATIENCE_SECONDS)
        self.processes[1].get_ready()
        self.assertEqual(self.processes[1].requests(), ["waits"])
        self.processes[1].reply("x")
        self.put("comes")
        self.assertEqual(self.processes[1].requests(), ["waits", "comes"])
        self.put("stays")
        self.processes[1].reply("x")
        self.assertEqual(self.processes[1].requests(), ["waits", "comes", "stays"])
        self.assertEqual(self.processes[0].requests(), ["slow", "waits"])

    def test_given_away(self) -> None:
        """What an idle worker has taken counts there alone, also when the first one gets to it, or dies over it."""
        slow, waits, stays = (self.ask(name) for name in ("slow", "waits", "stays"))
        self.processes[0].get_ready()
        self.clock.advance(PATIENCE_SECONDS)
        self.processes[0].reply("slow")
        self.assertEqual(self.successResultOf(slow).remaining, ("slow",))
        self.processes[0].reply("too many")
        self.assertNoResult(waits)
        self.processes[0].reply("stays")
        self.assertEqual(self.successResultOf(stays).remaining, ("stays",))
        self.processes[1].get_ready()
        self.processes[1].reply("right")
        self.assertEqual(self.successResultOf(waits).remaining, ("right",))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_death_over_what_was_given_away(self) -> None:
        """A worker that dies over what another one has taken fails nothing."""
        slow, waits = self.ask("slow"), self.ask("waits")
        self.processes[0].get_ready()
        self.clock.advance(PATIENCE_SECONDS)
        self.processes[0].reply("slow")
        self.successResultOf(slow)
        self.processes[0].end()
        self.assertNoResult(waits)
        self.processes[1].get_ready()
        self.processes[1].reply("right")
        self.successResultOf(waits)

    def test_help_ends(self) -> None:
        """When the long task is done, all goes to the worker that has the style sheet again."""
        for sheet in "stuvwxyz":
            self.setUp()
            self.put(("slow", sheet))
            self.processes[0].get_ready()
            self.clock.advance(PATIENCE_SECONDS)
            self.processes[0].reply("x")
            self.put(("a", sheet), ("b", sheet))
            self.assertEqual(len(self.processes), 1, sheet)
            self.assertEqual(self.processes[0].requests(), ["slow", "a", "b"])

    def test_crowd(self) -> None:
        """When many wait for one worker, the other gets some."""
        self.put("first")
        self.processes[0].get_ready()
        self.put(*(f"{number}" for number in range(CROWD)))
        self.assertEqual(len(self.processes), 1)
        self.put("one more")
        self.processes[1].get_ready()
        self.assertEqual(self.processes[1].requests(), ["one more"])


HOSTILE = "<p>x</p>" * 20_000
SLOW_SHEET = "".join(f"p p p:not(.a{index}) {{color:red}} p + p ~ p {{x:y}}\n" for index in range(3000))


class RealProcessTests(TestCase):
    """Worker processes of this machine."""

    engine = "premailer"
    scarce_memory_bytes = 90 * 1024 * 1024
    """Enough to start, and not for a large document."""

    def started(self, timeout_seconds: float = 20.0, memory_bytes: int = 256 * 1024 * 1024) -> InlineWorkers:
        """A service with one worker, stopped at the end of the test."""
        workers = inline_workers(reactor, reactor, 1, timeout_seconds, memory_bytes, engine=self.engine)
        workers.startService()
        self.addCleanup(workers.stopService)
        return workers

    async def worker_pid(self, workers: InlineWorkers) -> int:
        """The process that has just answered."""
        result = await workers.inline(_numbered("<p>x</p>", "p{color:red}"))
        self.assertEqual(result, InlineResult(attributes={0: {"style": "color:red"}}, remaining=("",)))
        process = workers._lanes[0]._process
        assert process is not None and process.transport is not None
        pid = process.transport.pid
        assert isinstance(pid, int)
        return pid

    async def test_descriptors(self) -> None:
        """A worker has its three pipes and nothing of the server's, and may open nothing more."""
        with socket.create_server(("127.0.0.1", 0)) as listener, Path("/dev/null").open() as other:
            os.set_inheritable(listener.fileno(), True)
            os.set_inheritable(other.fileno(), True)
            pid = await self.worker_pid(self.started())
            folder = Path(f"/proc/{pid}/fd")
            if not folder.exists():
                return
            self.assertEqual(sorted(path.name for path in folder.iterdir()), ["0", "1", "2"])
            limits = Path(f"/proc/{pid}/limits").read_text()
            self.assertRegex(limits, r"Max open files +3 +3 ")
            self.assertRegex(limits, r"Max core file size +0 +0 ")
            self.assertRegex(limits, r"Max address space +268435456 +268435456 ")
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            self.assertNotIn(b"HOME=", environment)

    async def test_hostile_style_sheet(self) -> None:
        """A style sheet that would take minutes is ended in time, and the next request works in a new process."""
        workers = self.started(timeout_seconds=0.5)
        pid = await self.worker_pid(workers)
        with self.assertRaises(InliningFailed) as caught:
            await workers.inline(_numbered(HOSTILE, SLOW_SHEET))
        self.assertIn("longer than 0.5 seconds", str(caught.exception))
        after = await workers.inline(_numbered("<b>x</b>", "b{color:red}"))
        self.assertEqual(after.attributes, {0: {"style": "color:red"}})
        self.assertNotEqual(pid, workers._lanes[0]._process.transport.pid)  # type: ignore[union-attr]
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    async def test_memory(self) -> None:
        """A document that needs more memory than allowed is refused, and the next request works."""
        workers = self.started(memory_bytes=self.scarce_memory_bytes)
        with self.assertRaises(InliningFailed) as caught:
            await workers.inline(_numbered("<p>x</p>" * 60_000, "p{color:red}"))
        self.assertEqual(str(caught.exception), ENDED)
        await self.worker_pid(workers)

    async def test_killed_from_outside(self) -> None:
        """A worker that somebody kills is replaced."""
        workers = self.started()
        pid = await self.worker_pid(workers)
        os.kill(pid, 9)
        await _until(lambda: workers._lanes[0]._process is None)
        await workers.inline(_numbered("<b>x</b>", "b{color:red}"))

    async def test_signals_of_a_terminal(self) -> None:
        """Signals that go to a whole group leave a worker at its work."""
        workers = self.started()
        pid = await self.worker_pid(workers)
        for number in (1, 2, 15):
            os.kill(pid, number)
        await workers.inline(_numbered("<b>x</b>", "b{color:red}"))
        self.assertEqual(pid, workers._lanes[0]._process.transport.pid)  # type: ignore[union-attr]

    async def test_stop_ends_processes(self) -> None:
        """After stopping there is no process."""
        workers = self.started()
        pid = await self.worker_pid(workers)
        await workers.stopService()
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    async def test_not_a_worker(self) -> None:
        """A program that is no worker fails the request."""
        workers = inline_workers(reactor, reactor, 1, 5.0, 2**28, "/bin/true")
        workers.startService()
        self.addCleanup(workers.stopService)
        with self.assertRaises(InliningFailed) as caught:
            await workers.inline(_numbered("<p>x</p>", "p{}"))
        self.assertEqual(str(caught.exception), NOT_RUNNING)

    def test_imports(self) -> None:
        """A worker does without Twisted, which would double its memory, and without the other engine's libraries."""
        code = "import sys; from smtpeter.prepare import worker; worker.make_engine(sys.argv[1]); print(*sys.modules)"
        root = str(Path(__file__).parent.parent.parent)
        with os.popen(f'cd "{root}" && "{sys.executable}" -c "{code}" {self.engine}') as said:
            imported = set(said.read().split())
        others = {"premailer": {"css_inline"}, "css-inline": {"premailer", "lxml", "cssutils"}}[self.engine]
        self.assertEqual(imported & {"twisted", "sqlalchemy", *others}, set())


class FastProcessTests(RealProcessTests):
    """The same with css-inline."""

    engine = "css-inline"
    scarce_memory_bytes = 60 * 1024 * 1024


def _numbered(body: str, sheet: str) -> InlineRequest:
    pieces = body.split(">")
    numbered = ">".join(
        f'{piece} data-smtpeter-n="{index // 2}"' if index % 2 == 0 and piece else piece
        for index, piece in enumerate(pieces)
    )
    return InlineRequest(html=f'<style data-smtpeter-sheet="0">{sheet}</style>{numbered}', style_sheets=(sheet,))


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it did not happen")
