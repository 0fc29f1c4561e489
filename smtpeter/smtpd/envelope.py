"""
The mail transaction: what MAIL and RCPT said, and what becomes of it at the end of data (RFC 5321, 3.3; pure).
"""

from attrs import define, field, frozen

from smtpeter.boundaries.intake import ReturnAddress
from smtpeter.model.account import Login
from smtpeter.model.message import Draft, Recipient, Trace
from smtpeter.smtpd.commands import read_address, read_foreign_path, read_path
from smtpeter.smtpd.parameters import MailParameters, read_mail_parameters, read_recipient_parameters


@frozen(kw_only=True)
class Envelope:
    """A whole envelope, accepted address by address."""

    login: Login | None
    """Who hands it in; C{None} for mail that comes back unauthenticated."""
    reverse_path: str
    recipients: tuple[Recipient, ...]
    returns: tuple[ReturnAddress, ...]
    """Those recipients that are addresses of ours."""
    parameters: MailParameters
    helo: str
    protocol: str
    """The C{with} keyword of the trace (RFC 3848; RFC 6531, 4.3)."""

    @property
    def size(self) -> int:
        """How many recipients of either kind."""
        return len(self.recipients) + len(self.returns)

    def draft(self, content: bytes, trace: Trace) -> Draft:
        """
        What intake gets for the ordinary recipients.

        @raise ValueError: nobody has logged in, so there cannot be any.
        """
        if self.login is None:
            raise ValueError("mail for others needs a login")
        return Draft(
            account_id=self.login.account.id,
            login_id=self.login.id,
            features=self.login.features,
            reverse_path=self.reverse_path,
            recipients=self.recipients,
            content=content,
            trace=trace,
            ret=self.parameters.ret,
            envid=self.parameters.envid,
            is_utf8=self.parameters.is_utf8,
        )


@define(eq=False)
class Transaction:
    """An envelope in the making."""

    login: Login | None
    reverse_path: str
    parameters: MailParameters
    recipients: list[Recipient] = field(factory=list)
    returns: list[ReturnAddress] = field(factory=list)

    @property
    def size(self) -> int:
        """How many recipients were accepted."""
        return len(self.recipients) + len(self.returns)

    def seal(self, helo: str, protocol: str) -> Envelope:
        """The envelope as it is now."""
        return Envelope(
            login=self.login,
            reverse_path=self.reverse_path,
            recipients=tuple(self.recipients),
            returns=tuple(self.returns),
            parameters=self.parameters,
            helo=helo,
            protocol=f"UTF8{protocol.removeprefix('E')}" if self.parameters.is_utf8 else protocol,
        )


def open_transaction(login: Login | None, argument: str, max_size: int) -> Transaction:
    """
    Begin with the argument of MAIL.

    @raise Rejected: it is not acceptable.
    """
    path, words = read_path(argument, "FROM:")
    parameters = read_mail_parameters(words, max_size)
    if path and login is None:
        path = read_foreign_path(path, parameters.is_utf8)
    elif path:
        path = read_address(path, parameters.is_utf8, "5.1.7")
    return Transaction(login, path, parameters)


def read_recipient(transaction: Transaction, argument: str, hostname: str) -> Recipient:
    """
    Read the argument of RCPT. C{Postmaster} without a domain is that of C{hostname} (RFC 5321, 4.5.1).

    @raise Rejected: it is not acceptable.
    """
    path, words = read_path(argument, "TO:")
    parameters = read_recipient_parameters(words)
    if path.lower() == "postmaster":
        path = f"{path}@{hostname}"
    address = read_address(path, transaction.parameters.is_utf8, "5.1.3")
    return Recipient(address=address, notify=parameters.notify, orcpt=parameters.orcpt)
