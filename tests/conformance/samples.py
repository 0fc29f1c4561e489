"""Submissions and events to store, with what a test does not care about filled in."""

from itertools import count

from smtpeter.model.address import domain_of
from smtpeter.model.event import Event
from smtpeter.model.identity import new_id
from smtpeter.model.message import Message, Recipient, State, Submission, Trace
from smtpeter.model.options import Features
from smtpeter.model.queue import Settlement

_numbers = count(1)


def sample_id(at: float = 1000.0) -> str:
    """An id that was not given before."""
    return new_id(at, next(_numbers).to_bytes(6, "big"))


def sample_submission(
    *recipients: str,
    received_at: float = 1000.0,
    expires_at: float = 90_000.0,
    account_id: int = 1,
    content: bytes = b"Subject: x\r\n\r\nx\r\n",
) -> Submission:
    """A submission for some recipients, or for one at example.com."""
    return Submission(
        id=sample_id(received_at),
        account_id=account_id,
        login_id=7,
        source="smtp",
        features=Features(inlinecss=True, images="hosted"),
        tags=("spring", "läufer"),
        warnings=("unknown option",),
        reverse_path="sender@example.org",
        sender_domain="example.org",
        content=content,
        trace=Trace(protocol="ESMTPSA", helo="client.example", peer="192.0.2.1", tls="TLSv1.3"),
        ret="HDRS",
        envid="envelope 1",
        is_utf8=True,
        received_at=received_at,
        expires_at=expires_at,
        messages=tuple(
            Message(
                id=sample_id(received_at),
                recipient=Recipient(
                    address=address, notify=frozenset({"FAILURE", "DELAY"}), orcpt="rfc822;a@b.example"
                ),
                domain=domain_of(address),
            )
            for address in recipients or ("user@example.com",)
        ),
    )


def sample_event(message_id: str, at: float = 1000.0, account_id: int = 1, attempt: str = "0") -> Event:
    """A delivery."""
    return Event(
        message_id=message_id,
        account_id=account_id,
        type="delivery",
        at=at,
        recipient="user@example.com",
        tags=("spring", "läufer"),
        data={"attempt": attempt, "from": "192.0.2.1"},
    )


def delivered(message_id: str, *, notice: Submission | None = None, attempt: str = "0") -> Settlement:
    """The settlement of a delivery, with its event."""
    return Settlement(
        message_id=message_id,
        state=State.DELIVERED,
        attempts=1,
        next_attempt_at=None,
        last_reply="250 2.0.0 OK",
        events=(sample_event(message_id, attempt=attempt),),
        notice=notice,
    )


def deferred(message_id: str, until: float, last_reply: str = "451 4.3.0 later", attempts: int = 1) -> Settlement:
    """The settlement of an attempt that failed for now."""
    return Settlement(
        message_id=message_id, state=State.QUEUED, attempts=attempts, next_attempt_at=until, last_reply=last_reply
    )
