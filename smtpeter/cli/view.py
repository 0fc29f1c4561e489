"""How a message and an event are shown."""

from smtpeter.cli.output import Record, plain, utc
from smtpeter.model.event import Event
from smtpeter.model.message import State
from smtpeter.model.queue import MessageView

_LABEL_WIDTH = 13


def message_record(view: MessageView, account: str) -> Record:
    """A message for scripts; times are POSIX seconds."""
    return {
        "id": view.id,
        "submission_id": view.submission_id,
        "account": account,
        "recipient": view.recipient,
        "envelope": view.reverse_path,
        "state": view.state.value,
        "attempts": view.attempts,
        "received_at": view.received_at,
        "expires_at": view.expires_at,
        "next_attempt_at": view.next_attempt_at,
        "last_reply": view.last_reply,
        "features": list(view.features),
        "tags": list(view.tags),
        "warnings": list(view.warnings),
        "size_bytes": view.size_bytes,
        "events": [event_record(event, account) for event in view.events],
    }


def event_record(event: Event, account: str) -> Record:
    """An event for scripts; C{at} is POSIX seconds, C{data} has the names of the log files."""
    return {
        "id": event.id,
        "event": event.type,
        "message_id": event.message_id,
        "account": account,
        "at": event.at,
        "data": {"recipient": event.recipient, "tags": ";".join(event.tags), **event.data},
    }


def message_text(view: MessageView, account: str) -> str:
    """A message for people, without its events."""
    facts = {
        "message": view.id,
        "account": account,
        "envelope": view.reverse_path or "<>",
        "recipient": view.recipient,
        "state": view.state.value,
        "attempts": str(view.attempts),
        "received": utc(view.received_at),
        "expires": utc(view.expires_at) if view.state in (State.QUEUED, State.HELD) else "",
        "next attempt": utc(view.next_attempt_at),
        "held back" if view.state is State.SUPPRESSED else "last reply": view.last_reply,
        "features": ", ".join(view.features),
        "tags": ", ".join(view.tags),
        "warnings": "; ".join(view.warnings),
        "size": f"{view.size_bytes} bytes",
    }
    return plain("\n".join(f"{name:<{_LABEL_WIDTH}} {value}" for name, value in facts.items() if value))


def event_text(event: Event) -> str:
    """An event as one line for people, without the dialogue."""
    facts = " ".join(f"{name}={value!r}" for name, value in event.data.items() if name != "transcript" and value)
    return plain(f"{utc(event.at)} {event.type} {event.message_id} {event.recipient} {facts}".rstrip())


def transcripts_text(view: MessageView) -> str:
    """The dialogues of all attempts, oldest first."""
    parts = [
        f"{utc(event.at)} {event.type}\n{event.data['transcript']}"
        for event in view.events
        if event.data.get("transcript")
    ]
    return plain("\n\n".join(parts)) or "no attempt got as far as a dialogue"
