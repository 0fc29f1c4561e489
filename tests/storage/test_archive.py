"""Tests of L{smtpeter.storage.archive}, L{smtpeter.storage.packing} and L{smtpeter.storage.retention}."""

from collections.abc import Sequence

from attrs import define
from sqlalchemy import Connection, delete, func, select
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.chores import pack_all
from smtpeter.model.archive import Swept
from smtpeter.model.message import State
from smtpeter.storage import retention
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.database import Database
from smtpeter.storage.engines import open_writer
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.migrating import upgrade
from smtpeter.storage.packing import take_turn
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.tables import contents, packed_contents, piece_places, pieces
from tests.conformance.archive import BODY, LATER, ArchiveLaws, Site, any_order, mail
from tests.support.database import close, inline_database, memory_database, now, postgresql_url, threaded_database


@define(eq=False)
class StoredSite:
    """Nodes that share a database, or have connections of their own to it."""

    databases: dict[str, Database]
    shared: Database
    queue: StoredQueue

    @property
    def view(self) -> StoredQueueView:
        return StoredQueueView(database=self.shared)

    @property
    def journal(self) -> StoredJournal:
        return StoredJournal(database=self.shared)

    def archive(self, node_id: str) -> StoredArchive:
        return StoredArchive(database=self.databases.get(node_id, self.shared))

    def pieces(self) -> tuple[int, int]:
        unused = ~select(piece_places).where(piece_places.c.piece_id == pieces.c.id).exists()

        def work(connection: Connection) -> tuple[int, int]:
            count = select(func.count()).select_from(pieces)
            return connection.scalar(count) or 0, connection.scalar(count.where(unused)) or 0

        return now(self.shared.read(work))


def stored_site(shared: Database, databases: dict[str, Database]) -> StoredSite:
    """A site whose node has enlisted."""
    queue = StoredQueue(database=shared, node_id="one")
    now(queue.enlist(1000.0))
    return StoredSite(databases, shared, queue)


class MemoryArchiveTests(ArchiveLaws, SynchronousTestCase):
    """The laws of an archive hold in memory."""

    database: Database

    @override
    def open_site(self) -> Site:
        self.database = memory_database()
        return stored_site(self.database, {})

    @any_order(max_examples=40)
    def test_any_order(self, steps: Sequence[tuple[str, int]]) -> None:
        """No order of steps loses a content or leaves a piece."""
        self.check_any_order(steps)

    def test_raw_is_replaced(self) -> None:
        """A packed content takes the space of its compressed pieces only."""
        big = mail(1, BODY * 40)
        one = self.stored(big)
        self.pack()

        def work(connection: Connection) -> tuple[int, int]:
            left = connection.scalar(select(func.count()).select_from(contents))
            size = connection.scalar(select(func.sum(func.length(pieces.c.content)))) or 0
            rest = connection.scalar(select(func.sum(func.length(packed_contents.c.rest)))) or 0
            return left or 0, size + rest

        left, size = now(self.database.read(work))
        self.assertEqual(left, 0)
        self.assertLess(size, len(big) / 20)
        self.assertEqual(self.content(one), big)

    def test_removal_is_bounded_in_bytes(self) -> None:
        """A step of retention removes no more than so many bytes, but something."""
        for number in range(3):
            self.stored(mail(number))
        self.patch(retention, "MAX_BYTES", 2 * len(mail(0)) + 1)
        self.assertEqual(now(self.archive.drop_contents(LATER, "", 100)).removed, 2)
        self.patch(retention, "MAX_BYTES", 1)
        self.assertEqual(now(self.archive.drop_contents(LATER, "", 100)).removed, 1)

    def test_held_without_content(self) -> None:
        """A submission with a held message stays even when its content is missing."""
        one = self.stored(state=State.HELD)
        now(self.database.transaction(lambda connection: connection.execute(delete(contents))))
        self.assertEqual(self.drop("submissions"), 0)
        self.assertIsNotNone(now(self.site.view.message(one.messages[0].id)))

    def test_many_pieces(self) -> None:
        """More pieces in a step than a statement takes variables are no matter."""
        part = b"--b\r\n\r\n%d" + BODY[:1200] + b"\r\n"
        mails = {}
        for number in range(20):
            parts = b"".join(part % (number * 100 + place) for place in range(60))
            content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n"
            mails[self.stored(content).id] = content
        self.assertTrue(now(self.archive.put_away(pack_all(mails))))
        self.assertEqual(self.site.pieces(), (1200, 0))
        self.assertEqual({key: now(self.archive.content(key)) for key in mails}, mails)
        self.assertEqual(self.drop("packed"), 20)
        self.assertEqual(self.site.pieces(), (0, 0))


class FileArchiveTests(ArchiveLaws, SynchronousTestCase):
    """They hold for two processes on one file."""

    @override
    def open_site(self) -> Site:
        url = f"sqlite:///{self.mktemp()}"
        upgrade(url)
        opened = [inline_database(url) for _ in range(3)]
        for one in opened:
            self.addCleanup(close, one)
        return stored_site(opened[2], dict(zip(("one", "two"), opened, strict=False)))


class PostgreSQLArchiveTests(ArchiveLaws, SynchronousTestCase):
    """They hold for two processes on one PostgreSQL."""

    @override
    def open_site(self) -> Site:
        self.url = postgresql_url(self.addCleanup)
        opened = [threaded_database(self.url) for _ in range(3)]
        for one in opened:
            self.addCleanup(close, one)
        return stored_site(opened[2], dict(zip(("one", "two"), opened, strict=False)))

    @any_order(max_examples=4)
    def test_any_order(self, steps: Sequence[tuple[str, int]]) -> None:
        """No order of steps loses a content or leaves a piece."""
        self.check_any_order(steps)

    def test_turns(self) -> None:
        """While another node makes or removes pieces, nobody waits: packing and removing are put off."""
        one, packed = self.stored(mail(1)), self.stored(mail(2))
        self.assertTrue(now(self.archive.put_away(pack_all({packed.id: mail(2)}))))
        engine = open_writer(self.url)
        self.addCleanup(engine.dispose)
        with engine.connect() as other, other.begin():
            self.assertTrue(take_turn(other))
            self.assertFalse(now(self.archive.put_away(pack_all({one.id: mail(1)}))))
            self.assertEqual(now(self.archive.drop_packed(LATER, "", 100)), Swept(removed=0, next=None))
        self.assertTrue(now(self.archive.put_away(pack_all({one.id: mail(1)}))))
        self.assertEqual(now(self.archive.drop_packed(LATER, "", 100)).removed, 2)
        self.assertEqual(self.site.pieces(), (0, 0))
