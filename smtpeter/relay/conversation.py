"""
The client's side of ESMTP: bytes in; bytes and facts out; no transport and no clock.

It joins the reader of replies, the opening and the pipeline. The peer may send anything, cut anyhow: what is no SMTP
ends the session, and every envelope offered is either concluded or returned.
"""

from typing import Literal

from attrs import define, field

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.capabilities import Capabilities
from smtpeter.relay.envelope import Envelope, wire_commands
from smtpeter.relay.facts import Ended, Fact, Ready, Timeouts, TLSWanted
from smtpeter.relay.opening import Opening, Terms, Unusable
from smtpeter.relay.pipeline import Pipeline
from smtpeter.relay.replies import BadReply, ReplyReader

_Phase = Literal["opening", "mail", "over"]


@define(eq=False)
class Conversation:
    """
    One session. After every call that gives facts, carry them out and write what L{outgoing} gives.

    @ivar opening_transcript: the dialogue before mail, without password.
    @ivar heard: how many whole replies came.
    """

    terms: Terms
    _timeouts: Timeouts
    opening_transcript: list[str] = field(factory=list)
    heard: int = 0
    _phase: _Phase = "opening"
    _reader: ReplyReader = field(factory=ReplyReader)
    _out: list[bytes] = field(factory=list)
    _facts: list[Fact] = field(factory=list)
    _opening: Opening = field(init=False)
    _pipeline: Pipeline = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._opening = Opening(self.terms, self._say)
        self._pipeline = Pipeline(self._out.append, self._facts.append)

    @property
    def capabilities(self) -> Capabilities:
        """What the server offers."""
        return self._opening.offered

    @property
    def tls_refusal(self) -> Reply | None:
        """What the server said to STARTTLS, when the session went on in clear."""
        return self._opening.refusal

    @property
    def is_idle(self) -> bool:
        """Whether mail could be sent and none is."""
        return self._phase == "mail" and self._pipeline.is_idle

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._phase == "over"

    @property
    def room(self) -> int:
        """How many more envelopes can be offered."""
        return self._pipeline.room if self._phase == "mail" and not self._pipeline.is_leaving else 0

    @property
    def awaits_verdict(self) -> bool:
        """Whether the data is sent and its reply has not come: a further envelope would have to wait for it."""
        return self._pipeline.awaits_verdict

    @property
    def concluded(self) -> int:
        """How many transactions came to their end."""
        return self._pipeline.concluded

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self._opening.stage if self._phase == "opening" else self._pipeline.stage

    @property
    def timeout_seconds(self) -> float | None:
        """How long the peer may be silent now; C{None} when nothing is expected of it."""
        if self._phase == "opening":
            return float(getattr(self._timeouts, self._opening.stage))
        return self._pipeline.timeout_seconds(self._timeouts)

    def outgoing(self) -> bytes:
        """What is to be written; it is given once."""
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> list[Fact]:
        """Take bytes of the peer."""
        self._reader.feed(data)
        try:
            while self._phase != "over" and (reply := self._reader.next()) is not None:
                self._take(reply)
            if self._phase == "opening" and self._opening.state == "handshake" and self._reader.has_more:
                raise Unusable("starttls", None, "the server went on in clear after STARTTLS")
        except BadReply as error:
            self._end(self.stage, None, str(error))
        except Unusable as refusal:
            self._end(refusal.stage, refusal.reply, refusal.description, refusal.is_tls_broken)
        return self._take_facts()

    def tls_started(self) -> list[Fact]:
        """The handshake is done."""
        self._opening.tls_started()
        return self._take_facts()

    def offer(self, envelope: Envelope) -> list[Fact]:
        """
        Send an envelope, now or behind the open one; there must be L{room}.

        @raise ValueError: an address holds a line end; nothing was sent.
        """
        self._pipeline.offer(envelope)
        return self._take_facts()

    def recorded(self) -> list[Fact]:
        """The result of a L{Concluded} whose content was taken is recorded. No further content goes before that."""
        self._pipeline.recorded()
        return self._take_facts()

    def quit(self) -> None:
        """Say goodbye; L{Ended} follows when the peer has answered."""
        self._pipeline.quit()

    def lose(self, description: str, is_tls_broken: bool = False) -> list[Fact]:
        """
        The connection is lost, or has been silent for too long.

        @param description: in words.
        """
        if self._phase != "over":
            self._end(self.stage, None, description, is_tls_broken)
        return self._take_facts()

    def _take(self, reply: Reply) -> None:
        self.heard += 1
        if self._phase == "opening":
            self.opening_transcript.append(f"S: {reply}")
            self._opening.take(reply)
            if self._opening.state == "handshake":
                self._facts.append(TLSWanted())
            elif self._opening.state == "ready":
                self._pipeline.capabilities = self._opening.offered
                self._phase = "mail"
                self._facts.append(Ready())
        elif reply.code == 421 or self._pipeline.is_leaving:
            self._end(self._pipeline.stage, reply, "the server closes the connection")
        else:
            self._pipeline.take(reply)

    def _end(self, stage: Stage, reply: Reply | None, description: str, is_tls_broken: bool = False) -> None:
        if self._pipeline.is_leaving:
            reply, description = None, ""
        self._phase = "over"
        self._facts[:] = [fact for fact in self._facts if not isinstance(fact, TLSWanted)]
        self._pipeline.abandon(stage, reply, description)
        ended = Ended(stage=stage, reply=reply, description=description, is_tls_broken=is_tls_broken)
        self._facts.append(ended)

    def _take_facts(self) -> list[Fact]:
        facts = self._facts[:]
        self._facts.clear()
        return facts

    def _say(self, command: str, shown: str) -> None:
        self._out.append(wire_commands([command]))
        self.opening_transcript.append("C: " + shown)
