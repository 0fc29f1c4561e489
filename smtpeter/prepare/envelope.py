"""Whom a message says it is from, in its envelope and in the fields that complaints quote."""

from smtpeter.mime.headers import HeaderBlock
from smtpeter.mime.parameters import parse_value
from smtpeter.mime.words import write_field
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Submission
from smtpeter.tracking.tokens import make_bounce

REFERENCE_FIELD = "X-Message-Reference"
FEEDBACK_FIELD = "Feedback-ID"


def is_tracked(submission: Submission) -> bool:
    """Whether bounces and complaints about its messages are to be told apart. Notices of our own are not tracked."""
    return submission.features.trackbounces and submission.source != "dsn"


def has_bounce_address(submission: Submission, headers: HeaderBlock) -> bool:
    """
    Whether a bounce address of ours is in the envelope: when it is asked for, without an address of the submitter's
    too. Then bounces come to us and go no further.

    A notice or an automatic message whose reverse-path is empty keeps it: so it says that no answer may follow, and two
    programs that answer one another come to an end (RFC 5321, 4.5.5; RFC 3834, 3.3).
    """
    return is_tracked(submission) and (bool(submission.reverse_path) or not is_automatic(headers))


def is_automatic(headers: HeaderBlock) -> bool:
    """Whether a message says that it is a report (RFC 6522) or that no person sent it (RFC 3834, 5)."""
    if any(_value(field.raw) == "multipart/report" for field in headers.named("Content-Type")):
        return True
    return any(_value(field.raw) not in ("", "no") for field in headers.named("Auto-Submitted"))


def _value(raw: bytes) -> str:
    return parse_value(raw)[0]


def reverse_path(submission: Submission, is_replaced: bool, keys: MacKeys, bounce_domain: str, message_id: str) -> str:
    """
    What MAIL FROM says for a message: our bounce address, or the submitter's own; empty for our own notices.

    @param is_replaced: as L{has_bounce_address} says.
    """
    if is_replaced:
        return make_bounce(keys, bounce_domain, message_id)
    return "" if submission.source == "dsn" else submission.reverse_path


def feedback_field(submission: Submission) -> bytes:
    """
    C{Feedback-ID}: submission, account, kind of mail and sender, so that complaints can be counted by each. It is the
    same for all recipients, since figures of one message tell nothing.
    """
    sender = submission.sender_domain or "smtpeter"
    return write_field(FEEDBACK_FIELD, f"{submission.id}:{submission.account_id}:smtpeter:{sender}")
