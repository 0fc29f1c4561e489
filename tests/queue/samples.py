"""Mail for tests of the queue."""

from collections.abc import Iterable
from itertools import count

from smtpeter.model.identity import NewId, new_id
from smtpeter.model.message import Message, Notify, Queued, Recipient, Ret, Submission, Trace
from smtpeter.model.options import Features

NOW = 1_800_000_000.0
DAY = 86_400.0
CONTENT = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: Hello\r\n\r\nHello.\r\n"

_numbers = count(1)


def an_id(at: float = NOW) -> str:
    """An id that was never given before."""
    return new_id(at, next(_numbers).to_bytes(6, "big"))


some_ids: NewId = an_id


def submission(
    recipients: Iterable[str | Recipient] = ("b@example.net",),
    account_id: int = 1,
    reverse_path: str = "a@example.com",
    features: Features | None = None,
    content: bytes = CONTENT,
    received_at: float = NOW,
    source: str = "smtp",
    ret: Ret | None = None,
    envid: str | None = None,
) -> Submission:
    """An accepted submission for those recipients."""
    all_recipients = [each if isinstance(each, Recipient) else Recipient(address=each) for each in recipients]
    messages = (
        Message(id=an_id(received_at), recipient=each, domain=each.address.rpartition("@")[2])
        for each in all_recipients
    )
    return Submission(
        id=an_id(received_at),
        account_id=account_id,
        login_id=7,
        source="dsn" if source == "dsn" else "smtp",
        features=features or Features(),
        tags=("news", "may"),
        warnings=(),
        reverse_path=reverse_path,
        sender_domain="example.com",
        content=content,
        trace=Trace(protocol="ESMTPSA"),
        ret=ret,
        envid=envid,
        is_utf8=False,
        received_at=received_at,
        expires_at=received_at + DAY,
        messages=tuple(messages),
    )


def queued(
    notify: Iterable[Notify] | None = None,
    orcpt: str | None = None,
    attempts: int = 0,
    last_reply: str = "",
    **about: object,
) -> Queued:
    """A single claimed message."""
    wanted = None if notify is None else frozenset(notify)
    recipient = Recipient(address="b@example.net", notify=wanted, orcpt=orcpt)
    whole = submission([recipient], **about)  # type: ignore[arg-type]
    return Queued(message=whole.messages[0], submission=whole, attempts=attempts, last_reply=last_reply)
