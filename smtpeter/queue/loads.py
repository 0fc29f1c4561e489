"""What the queue holds in memory: a submission with those of its messages that are at hand."""

from collections.abc import Iterable

from attrs import define, evolve, field

from smtpeter.boundaries.prepare import Prepared
from smtpeter.model.message import Message, Queued, Recipient, Submission
from smtpeter.model.relay import Job, Render


@define(eq=False)
class Load:
    """
    Messages of one submission that are claimed, prepared and sent together.

    @ivar era: the gate's era in which they were claimed.
    @ivar remaining: how many are still in memory.
    """

    submission: Submission
    queued: tuple[Queued, ...]
    era: int
    size_bytes: int
    weight: int
    """The part of the content that counts for each message in the shares of its account and domain."""
    remaining: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.remaining = len(self.queued)


def load_of(submission: Submission, queued: tuple[Queued, ...], era: int) -> Load:
    """Put messages of one submission together."""
    size_bytes = len(submission.content)
    return Load(submission, queued, era, size_bytes, size_bytes // len(queued))


def fresh(submission: Submission) -> tuple[Queued, ...]:
    """All messages of a submission that was just accepted."""
    return tuple(Queued(message=message, submission=submission, attempts=0) for message in submission.messages)


def by_submission(claimed: Iterable[Queued], era: int) -> list[Load]:
    """Group what was claimed, in the order in which the first of each was due."""
    groups: dict[str, list[Queued]] = {}
    for queued in claimed:
        groups.setdefault(queued.submission.id, []).append(queued)
    return [load_of(group[0].submission, tuple(group), era) for group in groups.values()]


def job_of(queued: Queued, prepared: Prepared, render: Render) -> Job:
    """
    Make a message ready for the relay.

    An international domain is written as A-labels where the local part is ASCII, so that such an address needs no
    SMTPUTF8 at the next hop (RFC 6531, 3.2).
    """
    message, submission = queued.message, queued.submission
    recipient, reverse_path = message.recipient, prepared.reverse_path(message.id)
    if not recipient.address.isascii():
        recipient = _with_a_labels(message)
    needs_utf8 = prepared.needs_utf8 or not (recipient.address.isascii() and reverse_path.isascii())
    return Job(
        message_id=message.id,
        account_id=submission.account_id,
        recipient=recipient,
        domain=message.domain,
        reverse_path=reverse_path,
        has_bounce_address=reverse_path != submission.reverse_path,
        ret=submission.ret,
        envid=submission.envid,
        needs_utf8=needs_utf8,
        is_eightbit=prepared.is_eightbit,
        size_bytes=prepared.size_bytes,
        share_key=submission.id if prepared.is_shared else None,
        attempts=queued.attempts,
        render=render,
    )


def _with_a_labels(message: Message) -> Recipient:
    local = message.recipient.address.rpartition("@")[0]
    if not local.isascii():
        return message.recipient
    return evolve(message.recipient, address=f"{local}@{message.domain}")
