"""
Which notice an outcome causes, if any (RFC 3461, 5.2; RFC 3464).

The submitter's own envelope address gets it, whether or not a bounce address of ours replaced it on the way out. There
is none from us about mail whose reverse-path is empty, and none about a notice.
"""

from smtpeter.mime.dsn import Kind, Notice, RecipientStatus, compose
from smtpeter.model.identity import NewId
from smtpeter.model.letter import own_letter
from smtpeter.model.message import Notify, Queued, Submission
from smtpeter.model.outcome import Outcome
from smtpeter.queue.records import reply_text, status_of
from smtpeter.queue.schedule import crosses_delay_line

_BY_DEFAULT: frozenset[Notify] = frozenset(("FAILURE",))


def failure_notice(
    queued: Queued, outcome: Outcome | None, at: float, status: str, description: str, hostname: str, new_id: NewId
) -> Submission | None:
    """
    The notice that a message will not be delivered, unless the client wanted none.

    @param outcome: of the attempt that was the last, if one was made just now.
    @param status: the enhanced status code.
    @param description: why, in a line.
    """
    if not _is_wanted(queued, "FAILURE"):
        return None
    about = _status(queued, status, description, outcome, is_reply=_is_reply(outcome))
    return _notice("failed", queued, about, at, hostname, new_id)


def delay_notice(queued: Queued, outcome: Outcome, status: str, hostname: str, new_id: NewId) -> Submission | None:
    """The notice that a message is late: once, after four hours, when the client asked for it."""
    if not _is_wanted(queued, "DELAY") or not crosses_delay_line(outcome.at, queued.submission.received_at):
        return None
    described = reply_text(outcome)
    until = queued.submission.expires_at
    about = _status(queued, status, described, outcome, is_reply=_is_reply(outcome), retry_until=until)
    return _notice("delayed", queued, about, outcome.at, hostname, new_id)


def relayed_notice(queued: Queued, outcome: Outcome, hostname: str, new_id: NewId) -> Submission | None:
    """
    The notice that a message went on to a server that makes no notices, when the client asked to hear of success.

    A next hop with DSN was passed the wish and answers it itself (RFC 3461, 5.2.2): to the submitter, or to us, who
    forward it, where a bounce address of ours replaced the submitter's.
    """
    if outcome.peer_has_dsn or not _is_wanted(queued, "SUCCESS"):
        return None
    about = _status(queued, status_of(outcome, 2), reply_text(outcome), outcome, is_reply=_is_reply(outcome))
    return _notice("relayed", queued, about, outcome.at, hostname, new_id)


def _is_wanted(queued: Queued, word: Notify) -> bool:
    submission, notify = queued.submission, queued.message.recipient.notify
    if not submission.reverse_path or submission.source == "dsn":
        return False
    return word in (_BY_DEFAULT if notify is None else notify)


def _is_reply(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.reply is not None


def _status(
    queued: Queued,
    status: str,
    description: str,
    outcome: Outcome | None,
    is_reply: bool,
    retry_until: float | None = None,
) -> RecipientStatus:
    recipient = queued.message.recipient
    return RecipientStatus(
        address=recipient.address,
        status=status,
        orcpt=_typed(recipient.orcpt),
        remote_mta=outcome.remote.partition(" ")[0] if outcome is not None else "",
        diagnostic=description,
        is_smtp_reply=is_reply,
        last_attempt_at=outcome.at if outcome is not None else None,
        retry_until=retry_until,
    )


def _typed(orcpt: str | None) -> str | None:
    """With its address type, which REST may leave out."""
    return orcpt if not orcpt or ";" in orcpt else f"rfc822;{orcpt}"


def _notice(kind: Kind, queued: Queued, about: RecipientStatus, at: float, hostname: str, new_id: NewId) -> Submission:
    submission, message_id = queued.submission, new_id(at)
    content = compose(
        Notice(
            kind=kind,
            hostname=hostname,
            to=submission.reverse_path,
            recipients=(about,),
            content=submission.content,
            message_id=f"{message_id}@{hostname}",
            arrived_at=submission.received_at,
            now=at,
            envid=submission.envid,
            ret=submission.ret,
        )
    )
    return _to_sender(submission, content, message_id, at, new_id)


def _to_sender(about: Submission, content: bytes, message_id: str, at: float, new_id: NewId) -> Submission:
    seconds = about.expires_at - about.received_at
    return own_letter(about.reverse_path, content, about.account_id, message_id, at, seconds, new_id)
