"""Mail that the server itself writes: delivery notices, and the answers that somebody asked for."""

from smtpeter.model.address import domain_of, lookup_domain
from smtpeter.model.identity import NewId
from smtpeter.model.message import Message, Notify, Recipient, Submission, Trace
from smtpeter.model.options import Features

_NEVER: frozenset[Notify] = frozenset(("NEVER",))


def own_letter(
    address: str, content: bytes, account_id: int, message_id: str, at: float, seconds: float, new_id: NewId
) -> Submission:
    """
    A letter with an empty reverse-path, so that nobody answers it and no notice is written about it (RFC 3464, 2).

    @param content: with its header.
    @param account_id: on whose behalf it is sent.
    @param message_id: its id, which the content may name.
    @param at: POSIX seconds.
    @param seconds: for how long its delivery is tried.
    """
    recipient = Recipient(address=address, notify=_NEVER)
    return Submission(
        id=new_id(at),
        account_id=account_id,
        login_id=None,
        source="dsn",
        features=Features(),
        tags=(),
        warnings=(),
        reverse_path="",
        sender_domain="",
        content=content,
        trace=Trace(protocol=""),
        ret=None,
        envid=None,
        is_utf8=not address.isascii(),
        received_at=at,
        expires_at=at + seconds,
        messages=(Message(id=message_id, recipient=recipient, domain=lookup_domain(domain_of(address))),),
    )
