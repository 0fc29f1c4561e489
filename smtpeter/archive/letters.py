"""
Writes the letter that brings the answer to a data request to its monitor (pure).

It goes the way of delivery notices: with an empty reverse-path, unsigned, and without a part in the account's figures
of what it handed in.
"""

from smtpeter.mime.compose import compose
from smtpeter.mime.dates import format_date
from smtpeter.mime.words import fold_field, without_controls
from smtpeter.model.composition import Attachment, Composition
from smtpeter.model.identity import NewId
from smtpeter.model.inquiry import Inquiry
from smtpeter.model.letter import own_letter
from smtpeter.model.message import Submission


def write_letter(
    inquiry: Inquiry, answer: bytes | None, hostname: str, now: float, seconds: float, new_id: NewId, chance: bytes
) -> Submission:
    """
    The letter, as it is queued.

    @param inquiry: its monitor is an e-mail address.
    @param answer: JSON; C{None} when it is too large for a letter.
    @param seconds: for how long its delivery is tried.
    @param chance: 16 octets that nobody can foretell.
    """
    address, message_id = inquiry.monitor or "", new_id(now)
    content = _head(address, f"{message_id}@{hostname}", now) + _content(inquiry, answer, hostname, chance)
    return own_letter(address, content, inquiry.account_id, message_id, now, seconds, new_id)


def _head(address: str, message_id: str, now: float) -> bytes:
    """What a composed message has not: RFC 3834, 5, among others, so that nobody's program answers."""
    fields = [
        fold_field("To", [f"<{without_controls(address)}>"]),
        fold_field("Date", [format_date(now)]),
        fold_field("Message-ID", [f"<{message_id}>"]),
        fold_field("Auto-Submitted", ["auto-generated"]),
    ]
    return b"".join(fields)


def _content(inquiry: Inquiry, answer: bytes | None, hostname: str, chance: bytes) -> bytes:
    name, type = f"datarequest-{inquiry.id}.json", "application/json"
    files = () if answer is None else (Attachment(data=answer, name=name, type=type),)
    composition = Composition(
        sender=f"SMTPeter <postmaster@{hostname}>",
        subject=f"The answer to your data request about {inquiry.address}",
        text=_text(inquiry, hostname, is_attached=answer is not None),
        attachments=files,
    )
    return compose(composition, chance)


def _text(inquiry: Inquiry, hostname: str, is_attached: bool) -> str:
    where = (
        "in the attached file, and the REST API has it"
        if is_attached
        else "too large for a message; the REST API has it"
    )
    return (
        f"This is the mail system at {hostname}.\n\n"
        f"The answer to the data request about {inquiry.address} of {format_date(inquiry.created_at)} is complete.\n"
        f"It is {where}:\n\n"
        f"  GET /v1/datarequest/{inquiry.id}\n"
    )
