"""
One envelope on its way through a session: which reply belongs to whom, and what it came to.

The results of the recipients are kept apart (RFC 5321, 3.3). A connection that breaks after the end of the data and
before its reply leaves the recipients deferred: they may get the message twice, never not at all.
"""

from typing import Literal

from attrs import define, evolve, field, frozen

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.capabilities import Capabilities
from smtpeter.relay.envelope import Envelope, mail_command, rcpt_command

MAX_TEXT = 2000
"""Characters of a reply that are kept."""

Awaited = Literal["mail", "rcpt", "data", "message"]


@frozen(kw_only=True)
class Result:
    """What one recipient's part of a transaction came to."""

    stage: Stage
    reply: Reply | None = None
    description: str = ""
    """In words, when there is no reply."""

    @property
    def is_taken(self) -> bool:
        """Whether the server has taken the content."""
        return self.reply is not None and self.reply.code // 100 == 2


@define(eq=False)
class Transaction:
    """An envelope whose replies are coming in."""

    envelope: Envelope
    offered: Capabilities
    commands: list[str] = field(factory=list)
    """MAIL, a RCPT for each recipient, DATA."""
    replies: list[Reply] = field(factory=list)
    is_open: bool = False
    """Whether the server has an envelope of ours that it was not told to forget."""
    _results: list[Result | None] = field(factory=list)

    @classmethod
    def of(cls, envelope: Envelope, offered: Capabilities) -> "Transaction":
        """A transaction of which nothing was sent yet."""
        commands = [mail_command(envelope, offered)]
        commands += [rcpt_command(recipient, envelope, offered) for recipient in envelope.recipients]
        commands.append("DATA")
        return cls(envelope, offered, commands, results=[None] * len(envelope.recipients))

    @property
    def is_touched(self) -> bool:
        """Whether the server has said anything about it."""
        return bool(self.replies)

    @property
    def has_recipients(self) -> bool:
        """Whether a recipient is still to be decided."""
        return None in self._results

    @property
    def results(self) -> tuple[Result, ...]:
        """In the order of the recipients, once all are decided."""
        return tuple(result for result in self._results if result is not None)

    def take(self, awaited: Awaited, index: int, reply: Reply) -> None:
        """Note the reply to a command, or to the content."""
        self.replies.append(reply)
        is_good = reply.code // 100 == 2
        if awaited == "mail":
            self.is_open = is_good
            if not is_good:
                self.decide(awaited, reply)
        elif awaited == "rcpt":
            if not is_good and self._results[index] is None:
                self._results[index] = Result(stage="rcpt", reply=_short(reply))
        elif awaited == "message" or reply.code != 354:
            self.is_open = awaited == "data" and self.is_open
            self.decide(awaited, reply)

    def decide(self, stage: Stage, reply: Reply | None, description: str = "") -> None:
        """Give all recipients that are open the same result."""
        if None in self._results:
            result = Result(stage=stage, reply=_short(reply) if reply else None, description=description)
            self._results = [result if one is None else one for one in self._results]

    def distrust(self) -> None:
        """The replies were not of the commands that they were taken for: nobody is decided."""
        self._results = [None] * len(self._results)

    def transcript(self) -> tuple[str, ...]:
        """The dialogue, a line each; the content by its size alone."""
        lines: list[str] = []
        shown = [*self.commands, f"<{len(self.envelope.content)} octets>"]
        for command, reply in zip(shown, self.replies, strict=False):
            lines.append("C: " + command)
            lines.append(f"S: {_short(reply)}")
        return tuple(lines)


def _short(reply: Reply) -> Reply:
    return reply if len(reply.text) <= MAX_TEXT else evolve(reply, text=reply.text[:MAX_TEXT])
