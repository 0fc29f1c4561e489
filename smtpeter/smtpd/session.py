"""
A whole SMTP session without transport, clock or chance: octets in; octets and work out (pure).

L{Session.advance} answers what was received, command after command, until one needs work. Nothing behind it is looked
at before the work is answered, so replies stand in the order of commands whatever the work takes.
"""

from collections.abc import Iterator

from attrs import define, field
from twisted.cred.error import UnauthorizedLogin

from smtpeter.boundaries.intake import ReturnAddress
from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.mime.wire import has_bare_newline, normalise_newlines, unstuffed
from smtpeter.model.account import Login
from smtpeter.model.message import Recipient
from smtpeter.smtpd import replies
from smtpeter.smtpd.commands import read_command
from smtpeter.smtpd.dialogue import GREETINGS, JUNK, Dialogue
from smtpeter.smtpd.framing import Body, Input, Room
from smtpeter.smtpd.limits import Behaviour
from smtpeter.smtpd.replies import Rejected, Reply
from smtpeter.smtpd.settings import SMTPSettings
from smtpeter.smtpd.work import Deliver, FindReturn, StartTLS, Work

MAX_INPUT = 65_536
"""Octets that may wait behind a command in work before reading pauses."""


@define(eq=False)
class Session:
    """
    The protocol core.

    @ivar is_waiting: whether work was asked for that is not answered yet.
    @ivar is_delivering: whether that work is the delivery of a message.
    @ivar is_closed: whether the last reply was given.
    @ivar _refused: counts refusals by enhanced status code.
    """

    dialogue: Dialogue
    _settings: SMTPSettings
    _room: Room
    _behaviour: Behaviour
    _refused: Tally = field(default=uncounted, kw_only=True)
    is_waiting: bool = False
    is_delivering: bool = False
    is_closed: bool = False
    _is_shutting_down: bool = False
    _verb: str = ""  # of the command at hand; "?" while it is not known, empty for the body of a message
    _input: Input = field(factory=Input, init=False)
    _output: list[bytes] = field(factory=list, init=False)
    _body: Body | None = field(default=None, init=False)
    _sought: Recipient | None = field(default=None, init=False)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no more should be read."""
        return len(self._input) > MAX_INPUT

    @property
    def body_octets(self) -> int | None:
        """How much came of the message in reception; C{None} when none is."""
        return None if self._body is None or self.is_delivering else self._body.octets

    def greet(self) -> None:
        """The client may begin."""
        self._output.append(Reply(220, "", f"{self._settings.hostname} ESMTP SMTPeter").encode())

    def receive(self, octets: bytes) -> None:
        """Take what came; L{advance} looks at it."""
        if not self.is_closed:
            self._input.receive(octets)

    def take_output(self) -> bytes:
        """What is to be sent, once."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def advance(self) -> Work | None:
        """
        Go on as far as possible.

        @return: what must be done now; C{None} when more input or an answer is awaited, or the session is closed.
        """
        while not (self.is_waiting or self.is_closed):
            if self._is_shutting_down and self._body is None:
                self.dismiss(replies.SHUTTING_DOWN)
                break
            before = len(self._output)
            work = self._take_step()
            if work is not None:
                return work
            if len(self._output) == before:
                break
        return None

    def dismiss(self, reply: Reply) -> None:
        """Say a last thing, whatever is going on."""
        self._output.append(reply.encode())
        self._refused(reply.enhanced)
        self._close()

    def begin_shutdown(self) -> None:
        """End the session as soon as no mail is in flight; L{advance} does it."""
        self._is_shutting_down = True

    def end(self) -> None:
        """The connection is gone: let go of what was received. Work under way may be answered all the same."""
        self._close()

    def logged_in(self, login: Login) -> None:
        """The credentials are good."""
        self.is_waiting = False
        self.dialogue.login = login
        self._say(replies.LOGGED_IN)

    def login_failed(self) -> None:
        """The credentials are wrong."""
        self.is_waiting = False
        self._say(self._behaviour.fail_login() or replies.WRONG_LOGIN)

    def login_unavailable(self) -> None:
        """The credentials cannot be checked now, or not looked up again."""
        self.is_waiting = False
        self._say(replies.CANNOT_LOG_IN)

    def login_renewed(self, login: Login | None) -> None:
        """The login as it is now; C{None}: it is gone."""
        self.is_waiting = False
        try:
            self._say(self.dialogue.renewed(login))
        except Rejected as rejected:
            self._refuse(rejected.reply)

    def return_found(self, address: ReturnAddress | None) -> None:
        """What the address that was asked for is."""
        self.is_waiting = False
        recipient, self._sought = self._sought, None
        assert recipient is not None
        try:
            self._say(self.dialogue.found(recipient, address))
        except Rejected as rejected:
            self._refuse(rejected.reply)

    def return_unavailable(self) -> None:
        """It cannot be told now what the address is."""
        self.is_waiting = False
        self._say(replies.CANNOT_LOOK_UP)

    def delivered(self, reply: Reply) -> None:
        """What became of the message."""
        self.is_waiting = self.is_delivering = False
        self._drop_body()
        if reply.is_error:
            self._refuse(reply)
            return
        if reply.code < 300:
            self._behaviour.bring_mail()
        self._say(reply)

    def _take_step(self) -> Work | None:
        """Answer one command or body, if there is a whole one."""
        self._verb = "?" if self._body is None else ""
        try:
            step = self._take_line() if self._body is None else self._take_body(self._body)
            if step is None or isinstance(step, Reply):
                self._say(step)
                return None
            return self._ask_for(step)
        except Rejected as rejected:
            self.dialogue.exchange = None
            self._refuse(rejected.reply)
        except UnauthorizedLogin:
            self.login_failed()
        return None

    def _take_line(self) -> Reply | Work | None:
        line = self._input.take_line()
        if line is None:
            return None
        if self.dialogue.exchange is not None:
            return self.dialogue.respond(line)
        self._verb, argument = read_command(line)
        self._judge_order(self._verb)
        step = self.dialogue.obey(self._verb, argument)
        if step is replies.SEND_DATA:
            self._body = Body(self._settings.max_message_size, self._room)
        return step

    def _judge_order(self, verb: str) -> None:
        """@raise Rejected: too much junk, or content was sent where DATA ends a group (RFC 2920, 3.1)."""
        if verb in JUNK and (self.dialogue.helo or verb not in GREETINGS):
            enough = self._behaviour.dawdle()
            if enough is not None:
                raise Rejected(enough)
        elif verb == "DATA" and len(self._input):
            raise Rejected(replies.DATA_AHEAD)

    def _take_body(self, body: Body) -> Work | None:
        """Take of a message what came; once it is whole, ask to have it delivered."""
        octets = self._input.take_all()
        rest = body.receive(octets) if octets else None
        if rest is None:
            return None
        self._input.receive(rest)
        envelope = self.dialogue.seal()
        try:
            return Deliver(envelope, self._content(body))
        except Rejected:
            self._drop_body()
            raise

    def _content(self, body: Body) -> Iterator[bytes]:
        if body.is_too_large:
            raise Rejected(replies.TOO_LARGE)
        if body.is_crowded_out:
            raise Rejected(replies.NO_SPACE)
        return _pieces(body.take_content(), body.has_dots, self._settings.bare_newline == "reject")

    def _ask_for(self, work: Work) -> Work:
        """Wait for the answer; the handshake has none."""
        if isinstance(work, StartTLS):
            if len(self._input):
                raise Rejected(replies.TLS_AHEAD)
            self._say(replies.READY_FOR_TLS)
            self.dialogue.begin_tls()
            return work
        self.is_waiting = True
        self.is_delivering = isinstance(work, Deliver)
        self._sought = work.recipient if isinstance(work, FindReturn) else None
        return work

    def _refuse(self, reply: Reply) -> None:
        """
        Say no, up to so many times. What is no fault of the client program is not counted: a recipient or a message of
        somebody who has logged in.
        """
        is_counted = self.dialogue.login is None or self._verb not in ("RCPT", "")
        enough = self._behaviour.err() if reply.is_error and is_counted else None
        self._say(enough or reply)

    def _say(self, reply: Reply | None) -> None:
        if reply is not None and not self.is_closed:
            self._output.append(reply.encode())
            if reply.code >= 400:
                self._refused(reply.enhanced)
            if reply.is_last:
                self._close()

    def _close(self) -> None:
        self.is_closed = True
        self._input.take_all()
        if not self.is_delivering:
            self._drop_body()

    def _drop_body(self) -> None:
        if self._body is not None:
            self._body.discard()
            self._body = None


def _pieces(data: bytes, has_dots: bool, rejects_bare_newlines: bool) -> Iterator[bytes]:
    for piece in unstuffed(data, has_dots=has_dots):
        if not rejects_bare_newlines:
            yield normalise_newlines(piece)
        elif has_bare_newline(piece):
            raise Rejected(replies.BARE_NEWLINE)
        else:
            yield piece
