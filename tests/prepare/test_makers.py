"""Tests of maker processes, with processes that are none, and with real ones."""

import os
from pathlib import Path

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from typing_extensions import override

from smtpeter.model.options import Features
from smtpeter.prepare.frames import FrameReader, frame, packed_error
from smtpeter.prepare.lanes import NOT_RUNNING
from smtpeter.prepare.maker import NO_ENGINE
from smtpeter.prepare.makers import BUSY, MAX_WAITING, MAX_WAITING_BYTES, STARTING, Makers, Overtaxed, maker_spawner
from smtpeter.prepare.orders import Made, NotMade, packed_made, packed_setup, unpacked_order
from smtpeter.prepare.pipes import WorkerProcess
from smtpeter.prepare.workers import PATIENCE_SECONDS
from tests.prepare.rig import BASE, KEYS
from tests.prepare.test_orders import MADE, order
from tests.prepare.test_workers import HOSTILE, SLOW_SHEET, TIMEOUT, FakeProcess
from tests.prepare.test_workshop import EVERYTHING, letter
from tests.prepare.test_workshop import order as real_order

SETTINGS = {"hostname": "mail.example.com", "tracking_url": BASE, "bounce_domain": "bounces.example.com"}
SETUP = packed_setup(SETTINGS, KEYS)


class MakersCase(SynchronousTestCase):
    """A service whose processes are none."""

    count = 1

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.processes: list[FakeProcess] = []
        self.kills = 0
        self._unseen: list[Deferred[Made | None]] = []
        self.makers = Makers(self.clock, self.spawn, self.count, TIMEOUT, self.note_kill)
        self.makers.startService()

    def note_kill(self, label: str = "", amount: float = 1) -> None:
        """Count."""
        self.kills += 1

    def spawn(self, protocol: WorkerProcess) -> None:
        """Start a process that is ready at once."""
        process = FakeProcess(protocol)
        protocol.transport = process  # type: ignore[assignment]
        self.processes.append(process)
        self.clock.callLater(0, process.get_ready)

    def ask(self, content: bytes = b"content") -> "Deferred[Made]":
        """Order a message."""
        asked = Deferred.fromCoroutine(self.makers.make(order(content)))
        self.clock.advance(0)
        return asked

    def see_nothing(self, asked: "Deferred[Made]") -> None:
        """Do not look at what comes of it."""
        self._unseen.append(asked.addErrback(lambda _: None))

    def ordered(self, process: FakeProcess) -> list[bytes]:
        """What a process was told to make."""
        frames = FrameReader().feed(bytes(process.written))
        return [unpacked_order(content).submission.content for content in frames]

    def reply(self, process: FakeProcess, content: bytes) -> None:
        """A message of that content is made."""
        process.protocol.outReceived(frame(packed_made(evolve(MADE, content=content))))


class OneMakerTests(MakersCase):
    """One process."""

    def test_made(self) -> None:
        """A process starts with the first order, and each gets its reply."""
        self.assertEqual(self.processes, [])
        first, second = self.ask(b"1"), self.ask(b"2")
        (process,) = self.processes
        self.assertEqual(self.ordered(process), [b"1", b"2"])
        self.reply(process, b"one")
        self.assertEqual(self.successResultOf(first).content, b"one")
        self.assertNoResult(second)
        self.reply(process, b"two")
        self.assertEqual(self.successResultOf(second).content, b"two")

    def test_refused(self) -> None:
        """A refusal is told; the process goes on."""
        asked = self.ask()
        self.processes[0].protocol.outReceived(frame(packed_error("No.")))
        self.assertEqual(str(self.failureResultOf(asked, NotMade).value), "No.")
        again = self.ask()
        self.reply(self.processes[0], b"x")
        self.successResultOf(again)
        self.assertEqual(len(self.processes), 1)

    def test_time_out(self) -> None:
        """A process that takes too long over an order is killed; the next order gets a new one."""
        asked = self.ask()
        self.clock.pump([PATIENCE_SECONDS, TIMEOUT])
        self.assertTrue(self.processes[0].is_killed)
        self.failureResultOf(asked, Overtaxed)
        self.assertEqual(self.kills, 1)
        self.processes[0].end()
        again = self.ask()
        self.reply(self.processes[1], b"x")
        self.successResultOf(again)

    def test_broke_down(self) -> None:
        """What a process dies over is told as such; what waited behind it is made by the next."""
        first, second = self.ask(b"1"), self.ask(b"2")
        self.processes[0].end()
        self.failureResultOf(first, Overtaxed)
        self.clock.advance(0)
        self.assertEqual(self.ordered(self.processes[1]), [b"2"])
        self.reply(self.processes[1], b"two")
        self.assertEqual(self.successResultOf(second).content, b"two")

    def test_not_running(self) -> None:
        """A process that does not start fails the order, which broke nothing."""
        asked = Deferred.fromCoroutine(self.makers.make(order()))
        self.processes[0].end()
        reason = self.failureResultOf(asked, NotMade).value
        self.assertEqual((str(reason), isinstance(reason, Overtaxed)), (NOT_RUNNING, False))

    def test_overdue(self) -> None:
        """Nothing waits behind a long order: neither what was there nor what comes."""
        first, second = self.ask(b"1"), self.ask(b"2")
        self.clock.advance(PATIENCE_SECONDS)
        self.assertEqual(str(self.failureResultOf(second, NotMade).value), BUSY)
        self.assertEqual(str(self.failureResultOf(self.ask(), NotMade).value), BUSY)
        self.assertNoResult(first)
        self.reply(self.processes[0], b"one")
        self.successResultOf(first)
        self.reply(self.processes[0], b"two")
        third = self.ask(b"3")
        self.reply(self.processes[0], b"three")
        self.assertEqual(self.successResultOf(third).content, b"three")

    def test_number(self) -> None:
        """So many orders wait and no more; each that is done makes room."""
        asked = [self.ask() for _ in range(MAX_WAITING)]
        self.failureResultOf(self.ask(), NotMade)
        self.reply(self.processes[0], b"x")
        self.successResultOf(asked[0])
        asked.append(self.ask())
        self.assertNoResult(asked[-1])
        self.stop_all(asked)

    def test_bytes(self) -> None:
        """So many octets wait and no more."""
        half = MAX_WAITING_BYTES // 2
        asked = [self.ask(bytes(half))]
        self.failureResultOf(self.ask(bytes(half)), NotMade)
        asked.append(self.ask(bytes(half // 2)))
        self.assertNoResult(asked[1])
        self.reply(self.processes[0], b"x")
        self.successResultOf(asked.pop(0))
        self.reply(self.processes[0], b"x")
        self.successResultOf(asked.pop(0))
        asked.append(self.ask(bytes(half)))
        self.assertNoResult(asked[0])
        self.stop_all(asked)

    def stop_all(self, asked: "list[Deferred[Made]]") -> None:
        """End, and look at no outcome."""
        for one in asked:
            self.see_nothing(one)
        self.assertNoResult(self.makers.stopService())

    def test_stop(self) -> None:
        """At the stop who waits is cancelled and the process is killed; nothing is ordered afterwards."""
        asked = self.ask()
        stopped = self.makers.stopService()
        self.failureResultOf(asked, CancelledError)
        self.assertTrue(self.processes[0].is_killed)
        self.assertNoResult(stopped)
        self.processes[0].end()
        self.successResultOf(stopped)
        self.failureResultOf(self.ask(), CancelledError)


class ImpatientTests(MakersCase):
    """Orders that wait for no start."""

    count = 2

    @override
    def setUp(self) -> None:
        super().setUp()
        self.makers = Makers(self.clock, self.spawn, self.count, TIMEOUT, is_awaited=False)
        self.makers.startService()

    def test_start(self) -> None:
        """The first order only starts a process, and those are refused that come before it is ready."""
        refused = [Deferred.fromCoroutine(self.makers.make(order())) for _ in range(2)]
        for asked in refused:
            self.assertEqual(str(self.failureResultOf(asked, NotMade).value), STARTING)
        self.assertEqual(len(self.processes), 1)
        self.clock.advance(0)
        asked = self.ask(b"3")
        self.reply(self.processes[0], b"three")
        self.assertEqual(self.successResultOf(asked).content, b"three")
        self.assertEqual(len(self.processes), 1)

    def test_second(self) -> None:
        """When one is busy another is started, and what comes goes to the first meanwhile."""
        self.failureResultOf(self.ask(b"1"), NotMade)
        for content in (b"2", b"3"):
            self.see_nothing(self.ask(content))
        self.assertEqual(self.ordered(self.processes[0]), [b"2", b"3"])
        self.see_nothing(self.ask(b"4"))
        self.assertEqual(self.ordered(self.processes[1]), [b"4"])

    def test_pause(self) -> None:
        """One that does not start is not started again at once."""
        self.failureResultOf(Deferred.fromCoroutine(self.makers.make(order())), NotMade)
        self.processes[0].end()
        self.failureResultOf(Deferred.fromCoroutine(self.makers.make(order())), NotMade)
        self.assertEqual(len(self.processes), 1)
        self.clock.advance(1)
        self.failureResultOf(Deferred.fromCoroutine(self.makers.make(order())), NotMade)
        self.assertEqual(len(self.processes), 2)


class TwoMakersTests(MakersCase):
    """Two processes."""

    count = 2

    def test_least(self) -> None:
        """Who has nothing to do is asked first, then who has least."""
        for content in (b"1", b"2", b"3", b"4"):
            self.see_nothing(self.ask(content))
        self.assertEqual([self.ordered(process) for process in self.processes], [[b"1", b"3"], [b"2", b"4"]])

    def test_crowd(self) -> None:
        """Where each takes little another is asked only when one has many, and then the one with least."""
        self.makers = Makers(self.clock, self.spawn, self.count, TIMEOUT, crowd=3)
        self.makers.startService()
        for number in range(7):
            self.see_nothing(self.ask(b"%d" % number))
        self.assertEqual(
            [self.ordered(process) for process in self.processes], [[b"0", b"1", b"2", b"6"], [b"3", b"4", b"5"]]
        )
        for content in (b"0", b"1", b"2"):
            self.reply(self.processes[0], content)
        self.see_nothing(self.ask(b"7"))
        self.assertEqual(self.ordered(self.processes[0])[-1], b"7")

    def test_overdue(self) -> None:
        """One that has a long order is asked for nothing."""
        first, second = self.ask(b"1"), self.ask(b"2")
        self.reply(self.processes[1], b"two")
        self.successResultOf(second)
        self.clock.advance(PATIENCE_SECONDS)
        for content in (b"3", b"4"):
            self.see_nothing(self.ask(content))
        self.assertEqual([self.ordered(process) for process in self.processes], [[b"1"], [b"2", b"3", b"4"]])
        self.assertNoResult(first)


class RealMakerTests(TestCase):
    """Maker processes of this machine."""

    def started(self, engine: str = NO_ENGINE, seconds: float = 20.0, memory: int = 2**28, python: str = "") -> Makers:
        """A service with one process, stopped at the end of the test."""
        others = (python,) if python else ()
        spawn = maker_spawner(reactor, seconds, memory, SETUP, engine, *others)
        makers = Makers(reactor, spawn, 1, seconds)
        makers.startService()
        self.addCleanup(makers.stopService)
        return makers

    def process(self, makers: Makers) -> Path:
        """Of the service, in C{/proc}."""
        process = makers._lanes[0]._process
        assert process is not None and process.transport is not None
        return Path(f"/proc/{process.transport.pid}")

    async def made(self, makers: Makers, features: Features = EVERYTHING) -> Made:
        """A letter."""
        return await makers.make(real_order(letter(b"<style>p{color:red}</style><p>x</p>"), features))

    async def test_made(self) -> None:
        """With each engine a message is inlined, tracked and signed."""
        for engine in ("premailer", "css-inline"):
            made = await self.made(self.started(engine))
            self.assertEqual(made.warnings, ())
            self.assertIn(b'<p style="color:red">', made.content)
            self.assertIn(BASE.encode(), made.content)
            self.assertIn(b"DKIM-Signature", made.content)
            self.assertTrue(made.reverse_path.endswith("@bounces.example.com"))

    async def test_plain(self) -> None:
        """A process for what has no style sheets has no engine."""
        made = await self.made(self.started())
        self.assertIn("no CSS engine", made.warnings[0])
        self.assertIn(b"DKIM-Signature", made.content)

    async def test_confined(self) -> None:
        """A process has three pipes and may open nothing more; no key is on its command line or in its environment."""
        makers = self.started()
        await self.made(makers)
        folder = self.process(makers)
        self.assertEqual(sorted(path.name for path in folder.joinpath("fd").iterdir()), ["0", "1", "2"])
        self.assertRegex(folder.joinpath("limits").read_text(), r"Max open files +3 +3 ")
        self.assertRegex(folder.joinpath("limits").read_text(), r"Max address space +268435456 +268435456 ")
        shown = folder.joinpath("cmdline").read_bytes() + folder.joinpath("environ").read_bytes()
        for key in KEYS.keys.values():
            self.assertNotIn(key, shown)
            self.assertNotIn(key.hex().encode(), shown)
        self.assertNotIn(b"PRIVATE", shown)

    async def test_hostile(self) -> None:
        """A style sheet that would take minutes ends a process in time; the next order works in a new one."""
        makers = self.started("premailer", seconds=2.0)
        await self.made(makers)
        before = self.process(makers)
        hostile = letter(f"<style>{SLOW_SHEET}</style>{HOSTILE}".encode())
        with self.assertRaises(Overtaxed):
            await makers.make(real_order(hostile, EVERYTHING))
        await self.made(makers)
        self.assertNotEqual(before, self.process(makers))
        self.assertFalse(before.exists())

    async def test_memory(self) -> None:
        """A message that needs more memory than allowed is not made, and the next one is."""
        large = letter(b"<style>p{x:y}</style>" + b"<p>x</p>" * 45_000)
        for megabytes in (104, 112, 120):
            makers = self.started("premailer", memory=megabytes << 20)
            with self.assertRaises(Overtaxed):
                await makers.make(real_order(large, EVERYTHING))
            await self.made(makers)

    async def test_killed(self) -> None:
        """One that somebody kills at its work is replaced, and told all that it must know."""
        makers = self.started()
        await self.made(makers)
        asked = Deferred.fromCoroutine(self.made(makers))
        os.kill(int(self.process(makers).name), 9)
        try:
            await asked
        except Overtaxed:
            pass
        self.assertIn(b"DKIM-Signature", (await self.made(makers)).content)

    async def test_broken_order(self) -> None:
        """A fault while a message is made is told in a word, and the next one is made."""
        makers = self.started()
        wrong = real_order(letter(b"x"), EVERYTHING)
        wrong = evolve(wrong, submission=evolve(wrong.submission, received_at=float("inf")))
        with self.assertRaises(NotMade) as caught:
            await makers.make(wrong)
        self.assertEqual(str(caught.exception), "OverflowError in a maker")
        await self.made(makers)

    async def test_stop(self) -> None:
        """After stopping there is no process."""
        makers = self.started()
        await self.made(makers)
        folder = self.process(makers)
        await makers.stopService()
        self.assertFalse(folder.exists())

    async def test_not_a_maker(self) -> None:
        """A program that is none fails the order."""
        with self.assertRaises(NotMade) as caught:
            await self.made(self.started(python="/bin/true"))
        self.assertEqual(str(caught.exception), NOT_RUNNING)
