"""
What one transaction carries, and the commands that say so (RFC 5321, 3.3; RFC 1870, 3461, 6152, 6531).
"""

from attrs import field, frozen

from smtpeter.mime.wire import TERMINATOR, normalise_newlines, stuff_dots
from smtpeter.mime.xtext import encode_orcpt, encode_xtext
from smtpeter.model.message import Recipient, Ret
from smtpeter.model.outcome import Reply
from smtpeter.relay.capabilities import Capabilities

_NOTIFY_ORDER = ("NEVER", "SUCCESS", "FAILURE", "DELAY")


@frozen(kw_only=True, eq=False)
class Envelope:
    """One content for recipients of one site."""

    reverse_path: str
    recipients: tuple[Recipient, ...]
    content: bytes = field(repr=False)
    """As rendered for this hop, dots not stuffed."""
    has_bounce_address: bool = False
    ret: Ret | None = None
    envid: str | None = None
    needs_utf8: bool = False
    is_eightbit: bool = False
    """Whether the content has octets over 127."""


def objection(envelope: Envelope, offered: Capabilities) -> Reply | None:
    """Why this server cannot be given the envelope; what it would say itself, or would say too late."""
    if needs_utf8(envelope) and not offered.utf8:
        return Reply(code=553, enhanced="5.6.7", text="the next hop does not support SMTPUTF8")
    if offered.max_size is not None and len(envelope.content) > offered.max_size:
        text = f"the message has {len(envelope.content)} octets, the next hop takes {offered.max_size}"
        return Reply(code=552, enhanced="5.3.4", text=text)
    return None


def needs_utf8(envelope: Envelope) -> bool:
    """Whether the hop must have SMTPUTF8."""
    if envelope.needs_utf8 or not envelope.reverse_path.isascii():
        return True
    return any(not recipient.address.isascii() for recipient in envelope.recipients)


def mail_command(envelope: Envelope, offered: Capabilities) -> str:
    """MAIL with the parameters that the server understands."""
    words = [f"MAIL FROM:<{envelope.reverse_path}>"]
    if offered.size:
        words.append(f"SIZE={len(envelope.content)}")
    if envelope.is_eightbit and offered.eightbit:
        words.append("BODY=8BITMIME")
    if offered.utf8 and needs_utf8(envelope):
        words.append("SMTPUTF8")
    if offered.dsn and envelope.ret:
        words.append(f"RET={envelope.ret}")
    if offered.dsn and envelope.envid:
        words.append(f"ENVID={encode_xtext(envelope.envid)}")
    return " ".join(words)


def rcpt_command(recipient: Recipient, envelope: Envelope, offered: Capabilities) -> str:
    """RCPT with the parameters that the server understands."""
    command = f"RCPT TO:<{recipient.address}>"
    if not offered.dsn:
        return command
    if notify := _notify(recipient, envelope.has_bounce_address):
        command += f" NOTIFY={notify}"
    if recipient.orcpt:
        command += f" ORCPT={encode_orcpt(recipient.orcpt, offered.utf8 and needs_utf8(envelope))}"
    return command


def wire_commands(commands: list[str]) -> bytes:
    """
    The commands with their line ends.

    @raise ValueError: one holds a line end; it would become another command.
    """
    text = "\r\n".join(commands)
    if text.count("\n") != len(commands) - 1 or text.count("\r") != len(commands) - 1:
        raise ValueError("a line end inside an SMTP command")
    return text.encode() + b"\r\n"


def wire_content(content: bytes) -> bytes:
    """
    The content with its end.

    Line ends are made whole first: a bare one could be the end of the data for the next hop.
    """
    return stuff_dots(normalise_newlines(content)) + TERMINATOR


def _notify(recipient: Recipient, has_bounce_address: bool) -> str:
    """With a bounce address of ours a failure must come back, whatever the client said."""
    wanted = set(recipient.notify or ())
    if has_bounce_address:
        wanted = wanted - {"NEVER"} | {"FAILURE"}
    return ",".join(word for word in _NOTIFY_ORDER if word in wanted)
