"""Tests of L{smtpeter.assembly.upkeep}: the figures of the configuration reach what they are about."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.upkeep import ROUND_SECONDS, Upkeep
from smtpeter.assembly.upkeep import DAY_SECONDS, build_upkeep
from smtpeter.config import RetentionSettings
from smtpeter.model.image import HostedImage
from smtpeter.model.message import Return, Submission, Trace
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.images import StoredImages
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.tables import contents, hosted_images, returns
from tests.conformance.archive import mail
from tests.conformance.samples import delivered, sample_event, sample_id, sample_submission
from tests.support.database import memory_database, now

BEGIN = 1_700_000_000.0


class _Threads:
    """Without threads."""

    async def run(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)


class UpkeepTests(SynchronousTestCase):
    """A server's life with mail, in days."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(BEGIN)
        self.database = memory_database()
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(BEGIN))

    def started(self, content_days: int, events_days: int) -> Upkeep:
        settings = RetentionSettings(content_days=content_days, events_days=events_days, images_days=30)
        threads: Any = _Threads()
        upkeep = build_upkeep(settings, self.database, threads, self.clock)
        upkeep.startService()
        self.addCleanup(upkeep.stopService)
        return upkeep

    def stored(self, is_final: bool = True) -> Submission:
        one = sample_submission(content=mail(1), received_at=BEGIN, expires_at=BEGIN + 1e9)
        now(self.queue.store(one, [sample_event(one.messages[0].id, BEGIN)], True))
        if is_final:
            now(self.queue.settle(delivered(one.messages[0].id)))
        return one

    def pass_days(self, days: float) -> None:
        """Jump to shortly after so many days, and let a few rounds go by."""
        self.clock.advance(BEGIN + days * DAY_SECONDS - self.clock.seconds())
        self.clock.pump([1.0] * int(3 * ROUND_SECONDS))

    def found(self, one: Submission) -> tuple[bool, bool]:
        """Whether there is the content, and the message."""
        content = now(StoredArchive(database=self.database).content(one.id))
        view = now(StoredQueueView(database=self.database).message(one.messages[0].id))
        self.assertIn(content, (None, one.content))
        return content is not None, view is not None

    def rows(self, table: Any) -> int:
        return now(self.database.read(lambda connection: len(connection.execute(table.select()).all())))

    def test_life(self) -> None:
        """Contents are packed within the hour, removed after their days, messages and events after theirs."""
        one, waiting = self.stored(), self.stored(is_final=False)
        self.started(content_days=10, events_days=20)
        self.pass_days(0.04)
        self.assertEqual(self.rows(contents), 1)
        for days, expected in ((9.9, (True, True)), (10, (False, True)), (19.9, (False, True)), (20, (False, False))):
            self.pass_days(days)
            self.assertEqual((self.found(one), self.found(waiting)), (expected, (True, True)), days)

    def test_images(self) -> None:
        """A hosted image outlives the content that showed it, and ends with its own days."""
        images = StoredImages(database=self.database)
        for number, kept_at in enumerate((BEGIN, BEGIN + DAY_SECONDS)):
            image = HostedImage(hash=f"{number}" * 40, type="image/gif", octets=b"GIF89a")
            now(images.keep(1, [image], kept_at))
        one = self.stored()
        self.started(content_days=10, events_days=20)
        for days, left in ((29.9, 2), (30, 1), (30.9, 1), (31, 0)):
            self.pass_days(days)
            self.assertEqual((self.rows(hosted_images), self.found(one)), (left, (False, False)), days)

    def test_nothing_kept(self) -> None:
        """With no days for contents they go as soon as they are delivered; what came back stays for a day."""
        one = self.stored()
        returned = Return(
            id=sample_id(BEGIN),
            message_id=one.messages[0].id,
            recipient="b@bounces.example",
            reverse_path="",
            content=b"x",
            trace=Trace(protocol="ESMTP"),
            received_at=BEGIN,
        )
        now(self.queue.store_return([returned]))
        self.started(content_days=0, events_days=20)
        self.pass_days(0.01)
        self.assertEqual((self.found(one), self.rows(returns)), ((False, True), 1))
        self.pass_days(1)
        self.assertEqual(self.rows(returns), 0)
