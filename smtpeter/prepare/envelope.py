"""Whom a message says it is from, in its envelope and in the fields that complaints quote."""

from smtpeter.mime.words import write_field
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Submission
from smtpeter.tracking.tokens import make_bounce

REFERENCE_FIELD = "X-Message-Reference"
FEEDBACK_FIELD = "Feedback-ID"


def is_tracked(submission: Submission) -> bool:
    """Whether bounces and complaints about its messages are to be told apart. Notices of our own are not tracked."""
    return submission.features.trackbounces and submission.source != "dsn"


def reverse_path(submission: Submission, keys: MacKeys, bounce_domain: str, message_id: str) -> str:
    """
    What MAIL FROM says for a message: our bounce address, or the submitter's own; empty for our own notices.

    An empty reverse-path stays empty whatever is asked for: it is how a notice says that none may follow it (RFC 5321,
    4.5.5; RFC 3834, 3.3).
    """
    if submission.source == "dsn" or not submission.reverse_path:
        return ""
    if is_tracked(submission):
        return make_bounce(keys, bounce_domain, message_id)
    return submission.reverse_path


def feedback_field(submission: Submission) -> bytes:
    """
    C{Feedback-ID}: submission, account, kind of mail and sender, so that complaints can be counted by each. It is the
    same for all recipients, since figures of one message tell nothing.
    """
    sender = submission.sender_domain or "smtpeter"
    return write_field(FEEDBACK_FIELD, f"{submission.id}:{submission.account_id}:smtpeter:{sender}")
