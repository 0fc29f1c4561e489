"""
The client's side of a session until mail can be sent: greeting, EHLO or HELO, STARTTLS, AUTH.

RFC 5321, 3.1 and 3.2; RFC 3207; RFC 4954. No I/O: replies come in, commands go out.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Literal

from attrs import define, field, frozen

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.capabilities import Capabilities, read_capabilities
from smtpeter.relay.routes import TLSMode

_State = Literal["greeting", "ehlo", "helo", "starttls", "handshake", "plain", "login", "username", "password", "ready"]

_STAGES: dict[_State, Stage] = {
    "greeting": "greeting",
    "ehlo": "ehlo",
    "helo": "ehlo",
    "starttls": "starttls",
    "handshake": "starttls",
    "plain": "auth",
    "login": "auth",
    "username": "auth",
    "password": "auth",
    "ready": "mail",
}


class Unusable(Exception):
    """
    This session can carry no mail.

    @ivar stage: where it ended.
    @ivar reply: what the peer said, if it was a reply.
    @ivar description: in words.
    @ivar is_tls_broken: whether the same server may work in clear.
    """

    def __init__(self, stage: Stage, reply: Reply | None, description: str, is_tls_broken: bool = False) -> None:
        super().__init__(stage, reply, description)
        self.stage = stage
        self.reply = reply
        self.description = description
        self.is_tls_broken = is_tls_broken


@frozen(kw_only=True)
class Terms:
    """What we bring into a session."""

    hostname: str
    tls: TLSMode = "opportunistic"
    username: str = ""
    """Empty: no AUTH. The password is sent in clear only where C{tls} is C{none}."""
    password: str = field(default="", repr=False)


@define(eq=False)
class Opening:
    """
    The state before mail.

    @ivar offered: what the server offers, as far as it was said inside TLS when there is TLS.
    @ivar refusal: what the server said to STARTTLS, when the session went on in clear.
    """

    _terms: Terms
    _send: Callable[[str, str], None]
    """Takes a command and what the transcript shows of it."""
    state: _State = "greeting"
    offered: Capabilities = field(factory=Capabilities)
    refusal: Reply | None = None
    is_encrypted: bool = False
    is_extended: bool = False
    _has_heard_inside: bool = False

    @property
    def stage(self) -> Stage:
        """
        Where it stands. TLS is being set up until something is heard inside it: with TLS 1.3 a server may break it off
        after the handshake is over for us (RFC 8446, 2), for want of a certificate of ours for one.
        """
        return "starttls" if self.is_encrypted and not self._has_heard_inside else _STAGES[self.state]

    def take(self, reply: Reply) -> None:
        """
        Go on with a reply.

        @raise Unusable: no mail can be sent.
        """
        self._has_heard_inside = self.is_encrypted
        step: Callable[[Reply], None] = getattr(self, f"_take_{self.state}")
        step(reply)

    def tls_started(self) -> None:
        """The handshake is done: what was said before counts no more (RFC 3207, 4.2)."""
        self.is_encrypted = True
        self.offered = Capabilities()
        self._say_ehlo()

    def _say_ehlo(self) -> None:
        self.state = "ehlo"
        self._say(f"EHLO {self._terms.hostname}")

    def _say(self, command: str, shown: str = "") -> None:
        self._send(command, shown or command)

    def _take_greeting(self, reply: Reply) -> None:
        if reply.code != 220:
            raise Unusable("greeting", reply, "the server refused the connection")
        self._say_ehlo()

    def _take_ehlo(self, reply: Reply) -> None:
        if reply.code // 100 == 2:
            self.offered = read_capabilities(reply)
            self.is_extended = True
            self._choose_tls()
        elif reply.code >= 500 and reply.code not in (521, 556):
            self.state = "helo"
            self._say(f"HELO {self._terms.hostname}")
        else:
            raise Unusable("ehlo", reply, "the server refused EHLO")

    def _take_helo(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            raise Unusable("ehlo", reply, "the server refused EHLO and HELO")
        self._choose_tls()

    def _choose_tls(self) -> None:
        must = self._terms.tls in ("require", "verify")
        if self.is_encrypted or self._terms.tls == "none":
            self._choose_auth()
        elif self.offered.starttls:
            self.state = "starttls"
            self._say("STARTTLS")
        elif must:
            raise Unusable("starttls", None, "the server does not offer the TLS that is required")
        else:
            self._choose_auth()

    def _take_starttls(self, reply: Reply) -> None:
        if reply.code == 220:
            self.state = "handshake"
        elif reply.code == 421 or self._terms.tls != "opportunistic":
            raise Unusable("starttls", reply, "the server refused STARTTLS", is_tls_broken=reply.code != 421)
        else:
            self.refusal = reply
            self._choose_auth()

    def _take_handshake(self, reply: Reply) -> None:
        raise Unusable("starttls", None, "the server went on in clear after STARTTLS")

    def _choose_auth(self) -> None:
        if not self._terms.username:
            self.state = "ready"
        elif not self.is_encrypted and self._terms.tls != "none":
            raise Unusable("auth", None, "the server has no TLS, and the password is not sent in clear")
        elif "PLAIN" in self.offered.auth:
            self.state = "plain"
            secret = f"\0{self._terms.username}\0{self._terms.password}"
            self._say(f"AUTH PLAIN {_base64(secret)}", "AUTH PLAIN ***")
        elif "LOGIN" in self.offered.auth:
            self.state = "login"
            self._say("AUTH LOGIN")
        else:
            raise Unusable("auth", None, "the server offers neither AUTH PLAIN nor AUTH LOGIN")

    def _take_plain(self, reply: Reply) -> None:
        if reply.code != 235:
            raise Unusable("auth", reply, "the server refused our credentials")
        self.state = "ready"

    _take_password = _take_plain

    def _take_login(self, reply: Reply) -> None:
        self._answer(reply, "username", self._terms.username)

    def _take_username(self, reply: Reply) -> None:
        self._answer(reply, "password", self._terms.password)

    def _answer(self, reply: Reply, state: _State, secret: str) -> None:
        if reply.code != 334:
            raise Unusable("auth", reply, "the server refused our credentials")
        self.state = state
        self._say(_base64(secret), "***")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")
