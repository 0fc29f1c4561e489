"""
Composes delivery status notifications (RFC 3461, RFC 3464, RFC 6522; RFC 6533 for international addresses).

What remote servers said stands in them cleaned and cut: no control characters, no way to add a field.
"""

from typing import Literal

from attrs import field, frozen

from smtpeter.mime.dates import format_date
from smtpeter.mime.headers import HeaderBlock, read_headers
from smtpeter.mime.words import fold_field, without_controls
from smtpeter.mime.xtext import encode_orcpt
from smtpeter.model.message import Ret

Kind = Literal["failed", "delayed", "delivered", "relayed"]

MAX_REMOTE_TEXT = 500
"""Characters of what a remote server said."""

MAX_RETURNED_HEADERS = 64 * 1024
"""Octets of the original's header block, where only that goes back."""


@frozen(kw_only=True)
class RecipientStatus:
    """What became of one recipient."""

    address: str
    """The final recipient."""
    status: str
    """An enhanced status code (RFC 3463), such as C{5.1.1}."""
    orcpt: str | None = None
    """C{addr-type;address}, decoded."""
    remote_mta: str = ""
    """The host that answered."""
    diagnostic: str = ""
    """Its reply, or our own words."""
    is_smtp_reply: bool = True
    """Whether C{diagnostic} is an SMTP reply."""
    last_attempt_at: float | None = None
    """POSIX seconds."""
    retry_until: float | None = None
    """POSIX seconds; given for delays."""


@frozen(kw_only=True)
class Notice:
    """All that a notification says."""

    kind: Kind
    hostname: str
    """Ours: the reporting MTA."""
    to: str
    """The reverse-path of the message that it is about; never empty."""
    recipients: tuple[RecipientStatus, ...]
    content: bytes = field(repr=False)
    """The message that it is about."""
    message_id: str
    """Of the notification: C{local@domain}, without angle brackets."""
    arrived_at: float
    """When the message was accepted, POSIX seconds."""
    now: float
    envid: str | None = None
    ret: Ret | None = None
    """FULL returns the content of a failed message; else only its headers go back (RFC 3461, 4.3)."""

    @property
    def is_global(self) -> bool:
        """Whether it may use UTF-8 in fields, since whoever gets it has an international address."""
        return not self.to.isascii()

    @property
    def returns_content(self) -> bool:
        """Whether the whole message goes back."""
        return self.kind == "failed" and self.ret == "FULL"


_SUBJECTS = {
    "failed": "Undelivered mail returned to sender",
    "delayed": "Delayed mail (still being tried)",
    "delivered": "Successful mail delivery report",
    "relayed": "Mail relayed to a server that sends no reports",
}
_OPENINGS = {
    "failed": "Your message could not be delivered to the recipients below. It will not be tried again.",
    "delayed": "Your message has not been delivered to the recipients below yet. You need not send it again.",
    "delivered": "Your message was delivered to the recipients below.",
    "relayed": "Your message was passed on for the recipients below, to a server that sends no delivery reports.",
}


def compose(notice: Notice) -> bytes:
    """
    Write the notification.

    @return: a whole message with CRLF line ends. It is to be sent with an empty reverse-path.
    """
    headers = read_headers(notice.content, limit=None if notice.returns_content else MAX_RETURNED_HEADERS)
    parts = [_human_part(notice), _status_part(notice), _original_part(notice, headers)]
    boundary = _boundary(notice, parts)
    opening = b"\r\n--" + boundary + b"\r\n"
    return b"".join(
        (
            _own_headers(notice, headers, boundary.decode("ascii"), all(part.isascii() for part in parts)),
            b"\r\nThis is a report in MIME format.\r\n",
            *(opening + part for part in parts),
            b"\r\n--" + boundary + b"--\r\n",
        )
    )


def _own_headers(notice: Notice, headers: HeaderBlock, boundary: str, is_ascii: bool) -> bytes:
    report = "report-type=delivery-status;"
    fields = [
        fold_field("From", ["Mail Delivery System", f"<MAILER-DAEMON@{notice.hostname}>"]),
        fold_field("To", [f"<{without_controls(notice.to)}>"]),
        fold_field("Subject", [_SUBJECTS[notice.kind]]),
        fold_field("Date", [format_date(notice.now)]),
        fold_field("Message-ID", [f"<{notice.message_id}>"]),
        fold_field("Auto-Submitted", ["auto-replied"]),
        fold_field("MIME-Version", ["1.0"]),
        fold_field("Content-Type", ["multipart/report;", report, f'boundary="{boundary}"']),
    ]
    if not is_ascii:
        fields.append(fold_field("Content-Transfer-Encoding", ["8bit"]))
    original = headers.first("Message-ID")
    if original is not None and original.value.isascii() and b" " not in original.value and len(original.value) < 500:
        fields.append(fold_field("References", [_clean(original.value.decode("ascii"))]))
    return b"".join(fields)


def _human_part(notice: Notice) -> bytes:
    lines = [f"This is the mail system at {notice.hostname}.", "", _OPENINGS[notice.kind], ""]
    for recipient in notice.recipients:
        lines.append(f"  <{_clean(recipient.address)}>")
        if recipient.diagnostic:
            said = f"{_clean(recipient.remote_mta)} said: " if recipient.remote_mta else ""
            lines += _wrapped(said + _clean(recipient.diagnostic))
        if recipient.retry_until is not None:
            lines.append(f"    It will be tried until {format_date(recipient.retry_until)}.")
        lines.append("")
    text = "\r\n".join(lines)
    kind = "us-ascii" if text.isascii() else "utf-8"
    encoding = "7bit" if text.isascii() else "8bit"
    head = f"Content-Type: text/plain; charset={kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return f"{head}Content-Description: Notification\r\n\r\n{text}".encode()


def _status_part(notice: Notice) -> bytes:
    is_global = notice.is_global
    groups = [_message_fields(notice), *(_recipient_fields(notice, each) for each in notice.recipients)]
    kind = "message/global-delivery-status" if is_global else "message/delivery-status"
    body = b"\r\n".join(groups)
    encoding = b"" if body.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    return f"Content-Type: {kind}\r\n".encode() + encoding + b"Content-Description: Delivery report\r\n\r\n" + body


def _message_fields(notice: Notice) -> bytes:
    fields = [fold_field("Reporting-MTA", [f"dns; {notice.hostname}"])]
    if notice.envid:
        fields.insert(0, fold_field("Original-Envelope-Id", [_ascii(notice.envid)]))
    fields.append(fold_field("Arrival-Date", [format_date(notice.arrived_at)]))
    return b"".join(fields)


def _recipient_fields(notice: Notice, recipient: RecipientStatus) -> bytes:
    """RFC 3464, 2.3."""
    fields = [fold_field("Final-Recipient", [_typed_address(f"rfc822;{recipient.address}", notice.is_global)])]
    if recipient.orcpt:
        fields.insert(0, fold_field("Original-Recipient", [_typed_address(recipient.orcpt, notice.is_global)]))
    fields.append(fold_field("Action", [notice.kind]))
    fields.append(fold_field("Status", [_ascii(recipient.status)]))
    if recipient.remote_mta:
        fields.append(fold_field("Remote-MTA", ["dns;", *_ascii(recipient.remote_mta).split()]))
    if recipient.diagnostic:
        kind = "smtp;" if recipient.is_smtp_reply else "x-smtpeter;"
        fields.append(fold_field("Diagnostic-Code", [kind, *_ascii(recipient.diagnostic).split()]))
    if recipient.last_attempt_at is not None:
        fields.append(fold_field("Last-Attempt-Date", [format_date(recipient.last_attempt_at)]))
    if recipient.retry_until is not None:
        fields.append(fold_field("Will-Retry-Until", [format_date(recipient.retry_until)]))
    return b"".join(fields)


def _typed_address(typed: str, is_global: bool) -> str:
    """C{addr-type; address}. Here ASCII addresses stand as they are (RFC 3464, 2.1.2), others as RFC 6533, 3 says."""
    kind, _, address = typed.partition(";")
    if address.isascii():
        return f"{_ascii(kind)}; {_clean(address)}"
    return encode_orcpt(f"utf-8;{_clean(address)}", allow_utf8=is_global).replace(";", "; ", 1)


def _original_part(notice: Notice, headers: HeaderBlock) -> bytes:
    """The message itself or its headers; never who got a blind copy."""
    block = headers.rewritten(is_dropped=lambda each: each.key in ("bcc", "resent-bcc"))
    if notice.returns_content:
        original = block + notice.content[headers.body_start :]
        kind = "message/rfc822" if block.isascii() else "message/global"
    else:
        original = block
        kind = "text/rfc822-headers" if block.isascii() else "message/global-headers"
    encoding = "7bit" if original.isascii() else "8bit"
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    description = "Undelivered message" if notice.kind in ("failed", "delayed") else "Message"
    return f"{head}Content-Description: {description}\r\n\r\n".encode() + original


def _boundary(notice: Notice, parts: list[bytes]) -> bytes:
    """One that no part contains, however the original was written."""
    name = "".join(character for character in notice.message_id if character.isalnum() and character.isascii())
    number = 0
    while any((boundary := f"=_report_{name[:40]}_{number}".encode()) in part for part in parts):
        number += 1
    return boundary


def _clean(text: str) -> str:
    """Words of others: one line, of bounded length."""
    line = without_controls(text).strip()
    return line if len(line) <= MAX_REMOTE_TEXT else line[:MAX_REMOTE_TEXT] + "..."


def _ascii(text: str) -> str:
    return _clean(text).encode("ascii", "replace").decode("ascii")


def _wrapped(text: str) -> list[str]:
    lines, line = [], "   "
    for word in text.split():
        if len(line) + len(word) > 76 and line.strip():
            lines.append(line)
            line = "   "
        line += f" {word}"
    return [*lines, line]
