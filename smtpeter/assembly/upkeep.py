"""Builds what is done to mail after its delivery: packing, retention, data requests."""

from twisted.internet.interfaces import IReactorTime

from smtpeter.archive.chores import Packing, Removal
from smtpeter.archive.gathering import Gathering
from smtpeter.archive.monitors import Monitors, Post
from smtpeter.archive.upkeep import Upkeep
from smtpeter.assembly.threads import WorkThreads
from smtpeter.boundaries.archive import SentMessages
from smtpeter.boundaries.fetch import Fetcher
from smtpeter.config import RetentionSettings
from smtpeter.fetch.client import FetchLimits
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.database import Database
from smtpeter.storage.findings import StoredFindings
from smtpeter.storage.images import StoredImages
from smtpeter.storage.inquiries import StoredInquiries
from smtpeter.storage.monitors import StoredMonitors

DAY_SECONDS = 86_400.0

ANSWERS_SECONDS = 7 * DAY_SECONDS
"""How long the answer to a data request is kept, from its asking."""

LOOK_SECONDS = 2.0
"""How soon a data request is begun with, and how soon its monitor is told."""

MONITOR_LIMITS = FetchLimits(size_bytes=64 * 1024)
"""Nothing is done with what a monitor answers."""


def build_upkeep(settings: RetentionSettings, database: Database, threads: WorkThreads, clock: IReactorTime) -> Upkeep:
    """What is old goes first; it need not be packed any more."""
    archive, images = StoredArchive(database=database), StoredImages(database=database)
    contents, events = settings.content_days * DAY_SECONDS, settings.events_days * DAY_SECONDS
    chores = (
        Removal("contents removed", archive.drop_contents, contents),
        Removal("packed contents removed", archive.drop_packed, contents),
        Removal("returned mails removed", archive.drop_returns, max(contents, DAY_SECONDS)),
        Removal("events removed", archive.drop_events, events),
        Removal("messages removed", archive.drop_submissions, events),
        Removal("hosted images removed", images.drop_images, settings.images_days * DAY_SECONDS),
        Removal("data requests removed", StoredInquiries(database=database).drop, ANSWERS_SECONDS),
        Packing(archive, threads),
    )
    return Upkeep(clock=clock, chores=chores)


def build_gathering(
    database: Database, sent: SentMessages, threads: WorkThreads, node_id: str, clock: IReactorTime
) -> Upkeep:
    """What answers data requests: with rounds of its own, since it does not wait for the rest."""
    store, findings = StoredInquiries(database=database), StoredFindings(database=database)
    gathering = Gathering(shelf=store, findings=findings, sent=sent, threads=threads, node_id=node_id)
    return Upkeep(clock=clock, chores=(gathering,), round_seconds=LOOK_SECONDS)


def build_telling(
    database: Database, fetcher: Fetcher, threads: WorkThreads, post: Post, clock: IReactorTime
) -> Upkeep:
    """What tells monitors: beside the gathering, since a server that they name may be slow."""
    shelf, book = StoredMonitors(database=database), StoredInquiries(database=database)
    monitors = Monitors(shelf=shelf, book=book, fetcher=fetcher, threads=threads, post=post)
    return Upkeep(clock=clock, chores=(monitors,), round_seconds=LOOK_SECONDS, interrupt=monitors.interrupt)
