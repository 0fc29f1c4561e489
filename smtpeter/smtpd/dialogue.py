"""
What each command means in the state that the session is in (RFC 5321, 4.1.4; RFC 3207; RFC 4954; pure).

Nothing here knows of lines or bodies. A command is answered with a reply, or asks for work whose result is the reply.
"""

from collections.abc import Callable

from attrs import define, field

from smtpeter.auth.realm import may_send
from smtpeter.boundaries.intake import ReturnAddress
from smtpeter.model.account import Login
from smtpeter.model.message import Recipient
from smtpeter.smtpd import replies
from smtpeter.smtpd.envelope import Envelope, Transaction, open_transaction, read_recipient
from smtpeter.smtpd.exchange import Challengers, Exchange, begin_exchange
from smtpeter.smtpd.replies import Rejected, Reply
from smtpeter.smtpd.settings import SMTPSettings
from smtpeter.smtpd.work import FindReturn, LogIn, RenewLogin, StartTLS, Work

GREETINGS = frozenset({"EHLO", "HELO"})
MAX_HELO = 255
"""Characters that are kept of what a client calls itself."""
JUNK = GREETINGS | {"NOOP", "RSET", "VRFY", "HELP"}
"""Commands that bring no mail nearer, the first greeting excepted."""


@define(eq=False)
class Dialogue:
    """
    The state of a session.

    @ivar may_be_return: whether an address could be one that mail comes back to; cheap, and never wrongly false.
    @ivar must_renew: whether the login was read too long ago to send with it.
    """

    _settings: SMTPSettings
    _challengers: Challengers
    _may_be_return: Callable[[str], bool]
    offers_tls: bool = False
    is_encrypted: bool = False
    login: Login | None = None
    must_renew: bool = False
    helo: str = ""
    transaction: Transaction | None = None
    exchange: Exchange | None = None
    _keyword: str = "ESMTP"
    _held_argument: str = field(default="", repr=False)

    def obey(self, verb: str, argument: str) -> Reply | Work:
        """
        Answer a command, or say what must be done first.

        @raise Rejected: no.
        """
        command = _COMMANDS.get(verb)
        if command is None:
            raise Rejected(replies.UNKNOWN_COMMAND)
        return command(self, argument)

    def respond(self, line: bytes) -> Reply | Work:
        """
        Take a line of the exchange of AUTH.

        @raise Rejected: the exchange has failed.
        @raise UnauthorizedLogin: it asks for what nobody may.
        """
        exchange, self.exchange = self.exchange, None
        assert exchange is not None
        exchange.respond(line)
        return self._go_on(exchange)

    def found(self, recipient: Recipient, address: ReturnAddress | None) -> Reply:
        """
        RCPT goes on, knowing whether the address is one that mail comes back to. Role addresses are returns only for
        those who have not logged in: who has may write to a customer's postmaster like to anybody.

        @raise Rejected: only who has logged in may send there.
        """
        assert self.transaction is not None
        if address is not None and (self.login is None or address.message_id is not None):
            self.transaction.returns.append(address)
            return replies.RECIPIENT_OK
        if self.login is None:
            raise Rejected(replies.NEEDS_LOGIN if self.is_encrypted else replies.NEEDS_TLS)
        self.transaction.recipients.append(recipient)
        return replies.RECIPIENT_OK

    def renewed(self, login: Login | None) -> Reply:
        """
        MAIL goes on with the login as it is now.

        @raise Rejected: the login is gone, or MAIL is not acceptable.
        """
        self.login, self.must_renew = login, False
        if login is None:
            raise Rejected(replies.NEEDS_LOGIN)
        return self._open(self._held_argument)

    def seal(self) -> Envelope:
        """End the transaction; its envelope."""
        assert self.transaction is not None
        transaction, self.transaction = self.transaction, None
        secure, login = "S" * self.is_encrypted, "A" * (self.login is not None)
        return transaction.seal(self.helo, self._keyword + (secure + login) * (self._keyword == "ESMTP"))

    def begin_tls(self) -> None:
        """Forget everything that was said in clear (RFC 3207, 4.2)."""
        self.is_encrypted = True
        self.login = self.transaction = self.exchange = None
        self.helo = ""

    def _greet(self, argument: str, keyword: str, lines: list[str]) -> Reply:
        if not argument:
            raise Rejected(replies.NEEDS_ARGUMENT)
        self.helo, self._keyword, self.transaction = argument[:MAX_HELO], keyword, None
        return Reply(250, "", "\n".join([self._settings.hostname, *lines]))

    def _ehlo(self, argument: str) -> Reply:
        extensions = ["PIPELINING", f"SIZE {self._settings.max_message_size}", "8BITMIME", "SMTPUTF8"]
        extensions += ["ENHANCEDSTATUSCODES", "DSN"]
        if self.offers_tls and not self.is_encrypted:
            extensions.append("STARTTLS")
        if self.is_encrypted:
            extensions.append(b" ".join([b"AUTH", *self._challengers]).decode("ascii"))
        return self._greet(argument, "ESMTP", extensions)

    def _helo(self, argument: str) -> Reply:
        return self._greet(argument, "SMTP", [])

    def _starttls(self, argument: str) -> Work:
        _expect_nothing(argument)
        if self.is_encrypted:
            raise Rejected(replies.TLS_ALREADY)
        if not self.offers_tls:
            raise Rejected(replies.NO_TLS)
        return StartTLS()

    def _auth(self, argument: str) -> Reply | Work:
        if not self.is_encrypted:
            raise Rejected(replies.AUTH_NEEDS_TLS)
        if self.login is not None:
            raise Rejected(replies.AUTH_ALREADY)
        if self.transaction is not None:
            raise Rejected(replies.AUTH_IN_MAIL)
        exchange, initial = begin_exchange(self._challengers, argument)
        if initial:
            exchange.take_initial(initial)
        return self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> Reply | Work:
        if exchange.is_complete:
            return LogIn(exchange.credentials)
        self.exchange = exchange
        return exchange.ask()

    def _mail(self, argument: str) -> Reply | Work:
        if self.transaction is not None:
            raise Rejected(replies.NESTED_MAIL)
        if not self.helo:
            raise Rejected(replies.EHLO_FIRST)
        if self.login is not None and self.must_renew:
            self._held_argument = argument
            return RenewLogin()
        return self._open(argument)

    def _open(self, argument: str) -> Reply:
        if self.login is not None and not may_send(self.login):
            text = f"You do not have permission to send email, please contact {self._settings.contact}"
            raise Rejected(Reply(550, "5.7.1", text))
        self.transaction = open_transaction(self.login, argument, self._settings.max_message_size)
        return replies.SENDER_OK

    def _rcpt(self, argument: str) -> Reply | Work:
        if self.transaction is None:
            raise Rejected(replies.MAIL_FIRST)
        if self.transaction.size >= self._settings.max_recipients:
            raise Rejected(replies.TOO_MANY_RECIPIENTS)
        recipient = read_recipient(self.transaction, argument, self._settings.hostname)
        if self.login is None or self._may_be_return(recipient.address):
            return FindReturn(recipient)
        return self.found(recipient, None)

    def _data(self, argument: str) -> Reply:
        _expect_nothing(argument)
        if self.transaction is None:
            raise Rejected(replies.MAIL_FIRST)
        if not self.transaction.size:
            raise Rejected(replies.RECIPIENT_FIRST)
        return replies.SEND_DATA

    def _rset(self, argument: str) -> Reply:
        _expect_nothing(argument)
        self.transaction = None
        return replies.OK

    def _vrfy(self, argument: str) -> Reply:
        if not argument:
            raise Rejected(replies.NEEDS_ARGUMENT)
        return replies.CANNOT_VERIFY

    def _noop(self, argument: str) -> Reply:
        return replies.OK

    def _help(self, argument: str) -> Reply:
        return replies.HELP

    def _quit(self, argument: str) -> Reply:
        _expect_nothing(argument)
        return replies.BYE


def _expect_nothing(argument: str) -> None:
    if argument:
        raise Rejected(replies.NO_ARGUMENT)


_COMMANDS: dict[str, Callable[[Dialogue, str], Reply | Work]] = {
    "EHLO": Dialogue._ehlo,
    "HELO": Dialogue._helo,
    "STARTTLS": Dialogue._starttls,
    "AUTH": Dialogue._auth,
    "MAIL": Dialogue._mail,
    "RCPT": Dialogue._rcpt,
    "DATA": Dialogue._data,
    "RSET": Dialogue._rset,
    "NOOP": Dialogue._noop,
    "VRFY": Dialogue._vrfy,
    "HELP": Dialogue._help,
    "QUIT": Dialogue._quit,
}
