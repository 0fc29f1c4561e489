"""
The envelopes of a session: commands out, replies matched to what was asked, transactions concluded in order.

With PIPELINING (RFC 2920) an envelope's commands go in one write, and the next envelope's commands follow the end of
the data, so that a message costs one round trip. The content goes only after 354, and only when it is recorded that
the server has taken the one before: a crash can repeat one content for each session. When 354 comes although nobody was
accepted, the lone dot is sent, since the server waits for it.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from attrs import define, field

from smtpeter.mime.wire import TERMINATOR
from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.capabilities import Capabilities
from smtpeter.relay.envelope import Envelope, objection, wire_commands, wire_content
from smtpeter.relay.facts import Concluded, Fact, Returned, Timeouts
from smtpeter.relay.opening import Unusable
from smtpeter.relay.replies import BadReply
from smtpeter.relay.transaction import Awaited, Result, Transaction

DEPTH = 2
"""Envelopes in a session at once: the one whose replies come, and the next."""
UPLOAD_RATE = 16384
"""Octets a second; a content gets this much time beyond its stage's."""

_Step = Awaited | Literal["lone", "rset", "quit"]
_STAGES: dict[_Step, Stage] = {
    "mail": "mail",
    "rcpt": "rcpt",
    "data": "data",
    "message": "message",
    "lone": "data",
    "rset": "mail",
    "quit": "message",
}


@define(eq=False)
class Pipeline:
    """
    What is sent, what is awaited.

    @ivar concluded: how many transactions came to their end.
    """

    _write: Callable[[bytes], None]
    _report: Callable[[Fact], None]
    capabilities: Capabilities = field(factory=Capabilities)
    concluded: int = 0
    _awaited: deque[tuple[_Step, Transaction | None, int]] = field(factory=deque)
    _next: deque[Envelope] = field(factory=deque)
    _open: deque[Transaction] = field(factory=deque)
    _needs_reset: bool = False
    _is_unrecorded: bool = False
    _held: Transaction | None = None

    @property
    def room(self) -> int:
        """How many more envelopes can be offered."""
        return DEPTH - len(self._open) - len(self._next)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open and nothing awaited."""
        return not self._open and not self._next and not self._awaited

    @property
    def is_leaving(self) -> bool:
        """Whether the answer to QUIT is awaited."""
        return bool(self._awaited) and self._awaited[0][0] == "quit"

    @property
    def awaits_verdict(self) -> bool:
        """Whether the data is sent and its reply has not come: a further envelope would have to wait for it."""
        return bool(self._awaited) and self._awaited[0][0] == "message"

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        if self._held is not None:
            return "data"
        return _STAGES[self._awaited[0][0]] if self._awaited else "mail"

    def timeout_seconds(self, timeouts: Timeouts) -> float | None:
        """How long the peer may be silent; C{None} when nothing is awaited."""
        if self._held is not None:
            # The server waits for us, and would close the session at about this time.
            return timeouts.data
        if not self._awaited:
            return None
        step, transaction, _ = self._awaited[0]
        if step == "quit":
            return timeouts.quit
        seconds = float(getattr(timeouts, _STAGES[step]))
        if step == "message" and transaction is not None:
            seconds += len(transaction.envelope.content) / UPLOAD_RATE
        return seconds

    def offer(self, envelope: Envelope) -> None:
        """
        Send an envelope, now or behind the open one.

        @raise ValueError: an address holds a line end.
        """
        refusal = objection(envelope, self.capabilities)
        if refusal is not None:
            results = tuple(Result(stage="mail", reply=refusal) for _ in envelope.recipients)
            self._report(Concluded(envelope=envelope, results=results, transcript=()))
            return
        self._next.append(envelope)
        try:
            self._advance()
        except ValueError:
            self._next.clear()
            raise

    def quit(self) -> None:
        """Say goodbye."""
        self._write(b"QUIT\r\n")
        self._awaited.append(("quit", None, 0))

    def take(self, reply: Reply) -> None:
        """
        Go on with a reply.

        @raise BadReply: nothing was asked, or the reply answers something else: replies and commands are out of step.
        @raise Unusable: the session cannot go on.
        """
        if not self._awaited:
            raise BadReply(f"a reply to nothing: {str(reply)[:100]}")
        step, transaction, index = self._awaited[0]
        if _is_out_of_step(step, reply):
            if transaction is not None:
                transaction.distrust()
            raise BadReply(f"the replies are out of step: to {step} came {str(reply)[:100]}")
        self._awaited.popleft()
        if transaction is None or step == "rset" or step == "quit":
            self._take_reset(reply)
        elif step == "lone":
            self._conclude(transaction)
        else:
            transaction.take(step, index, reply)
            self._go_on(step, transaction, index, reply)

    def recorded(self) -> None:
        """The result of the last content that was taken is recorded: the next may go."""
        self._is_unrecorded = False
        transaction, self._held = self._held, None
        if transaction is not None:
            self._send_content(transaction)

    def abandon(self, stage: Stage, reply: Reply | None, description: str) -> None:
        """The connection is lost: what the server has not looked at is returned, the rest decided."""
        for transaction in self._open:
            # The first of a session is an attempt, so that a server which always hangs up is no loop.
            is_behind = self.concluded > 0 or transaction is not self._open[0]
            if transaction is self._held or (is_behind and not transaction.is_touched):
                self._report(Returned(envelope=transaction.envelope))
                continue
            if reply is not None and transaction is self._open[0]:
                transaction.replies.append(reply)
            transaction.decide(stage, reply, description)
            self._report(_conclusion(transaction))
        for envelope in self._next:
            self._report(Returned(envelope=envelope))
        for waiting in (self._open, self._next, self._awaited):
            waiting.clear()
        self._held = None

    def _go_on(self, step: Awaited, transaction: Transaction, index: int, reply: Reply) -> None:
        if step == "data" and reply.code == 354 and self._is_unrecorded and transaction.has_recipients:
            self._held = transaction
        elif step == "data" and reply.code == 354:
            self._send_content(transaction)
        elif step in ("data", "message"):
            self._conclude(transaction)
        elif not self.capabilities.pipelining:
            self._next_command(step, transaction, index)

    def _next_command(self, step: Awaited, transaction: Transaction, index: int) -> None:
        """One command at a time, for a server that wants it so."""
        if not transaction.has_recipients:
            self._conclude(transaction)
            return
        following = 0 if step == "mail" else index + 1
        is_last = following == len(transaction.envelope.recipients)
        self._write(wire_commands([transaction.commands[1 + following]]))
        self._awaited.append(("data", transaction, 0) if is_last else ("rcpt", transaction, following))

    def _send_content(self, transaction: Transaction) -> None:
        if transaction.has_recipients:
            self._write(wire_content(transaction.envelope.content))
            self._awaited.append(("message", transaction, 0))
        else:
            self._write(TERMINATOR)
            transaction.is_open = False
            self._awaited.append(("lone", transaction, 0))
        self._advance()

    def _take_reset(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            raise Unusable("mail", reply, "the server refused RSET")
        self._needs_reset = False
        self._advance()

    def _conclude(self, transaction: Transaction) -> None:
        self._open.popleft()
        self.concluded += 1
        self._needs_reset = transaction.is_open
        conclusion = _conclusion(transaction)
        self._is_unrecorded = self._is_unrecorded or conclusion.is_taken
        self._report(conclusion)
        self._advance()

    def _advance(self) -> None:
        """Begin with the next envelope as soon as its commands may be sent."""
        if not self._next:
            return
        if self._open:
            is_sent = len(self._open) == 1 and bool(self._awaited) and self._awaited[-1][0] in ("message", "lone")
            if is_sent and self.capabilities.pipelining:
                self._begin()
        elif self._needs_reset and not self.capabilities.pipelining:
            if not self._awaited:
                self._reset()
        else:
            self._begin()

    def _reset(self) -> None:
        self._write(b"RSET\r\n")
        self._awaited.append(("rset", None, 0))

    def _begin(self) -> None:
        transaction = Transaction.of(self._next[0], self.capabilities)
        wire = wire_commands(transaction.commands)
        self._next.popleft()
        if self._needs_reset:
            self._reset()
        self._open.append(transaction)
        self._awaited.append(("mail", transaction, 0))
        if not self.capabilities.pipelining:
            self._write(wire_commands(transaction.commands[:1]))
            return
        self._write(wire)
        for index in range(len(transaction.envelope.recipients)):
            self._awaited.append(("rcpt", transaction, index))
        self._awaited.append(("data", transaction, 0))


def _is_out_of_step(step: _Step, reply: Reply) -> bool:
    """
    Whether a reply cannot be of that command: an intermediate one is of DATA alone, and DATA is never simply fulfilled.
    Taken at its word it would call a mail delivered whose content was never sent, or refused that was not.
    """
    kind = reply.code // 100
    return (step == "data" and kind == 2) or (kind == 3 and (step, reply.code) != ("data", 354))


def _conclusion(transaction: Transaction) -> Concluded:
    return Concluded(envelope=transaction.envelope, results=transaction.results, transcript=transaction.transcript())
