"""Builds what is done to mail after its delivery: packing and retention."""

from twisted.internet.interfaces import IReactorTime

from smtpeter.archive.chores import Packing, Removal
from smtpeter.archive.upkeep import Upkeep
from smtpeter.assembly.threads import WorkThreads
from smtpeter.config import RetentionSettings
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.database import Database
from smtpeter.storage.images import StoredImages

DAY_SECONDS = 86_400.0


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
        Packing(archive, threads),
    )
    return Upkeep(clock=clock, chores=chores)
