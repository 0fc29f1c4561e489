"""
SMTPeter without its database on the way of a message: what is accepted is kept in memory alone, and no outcome is
written. It loses mail by design, so it stands here, and no configuration of SMTPeter leads to it.

C{python -m benchmarks.forgetful -n smtpeter --config smtpeter.toml}: the arguments are those of C{twistd}.
"""

from collections.abc import Collection, Sequence

from twisted.scripts.twistd import run

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.event import Event
from smtpeter.model.message import Once, Submission
from smtpeter.model.queue import Settlement
from smtpeter.storage.queue import StoredQueue


async def _store(
    self: StoredQueue, submission: Submission, events: Sequence[Event], is_claimed: bool, once: Once | None = None
) -> Collection[str]:
    if not is_claimed:
        raise StorageBusy("there is no room in memory, and nothing else to keep it in")
    return ()


async def _settle(self: StoredQueue, settlement: Settlement) -> None:
    return


def main() -> None:
    """Run C{twistd} with a queue that forgets."""
    StoredQueue.store = _store  # type: ignore[method-assign]
    StoredQueue.settle = _settle  # type: ignore[method-assign]
    run()


if __name__ == "__main__":
    main()
