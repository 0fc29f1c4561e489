"""A compiler with everything around it, in memory."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.task import Clock

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.mime.dkim import generate_rsa_pem, public_record
from smtpeter.model.account import SenderDomain, SigningKey
from smtpeter.model.identity import new_id
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Message, Recipient, Submission, Trace
from smtpeter.model.options import Features
from smtpeter.prepare.compiler import Compiler, CompilerSettings

T = TypeVar("T")

HOST = "clicks.example.com"
BASE = f"https://{HOST}"
KEYS = MacKeys(current=7, keys={7: b"k" * 32})
MESSAGE = new_id(1_700_000_000.0, b"abcdef")
OTHER = new_id(1_700_000_000.0, b"ghijkl")
PEM = generate_rsa_pem()
RECORD = public_record(PEM).encode()
ALL = Features(trackclicks=True, trackopens=True, trackbounces=True)


@define
class Domains:
    """One sender domain, with a key or without."""

    has_key: bool = True

    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """The domain, whatever the name."""
        key = SigningKey(domain=name, selector="s1", private_pem=PEM) if self.has_key else None
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=key)

    async def is_served(self, name: str) -> bool:
        """Always."""
        return True


@define
class Inlining:
    """
    Colours every element, and counts.

    @ivar fails: whether it raises.
    """

    fails: bool = False
    requests: list[InlineRequest] = field(factory=list)

    async def inline(self, request: InlineRequest) -> InlineResult:
        """Set a style on each element."""
        self.requests.append(request)
        if self.fails:
            raise InliningFailed("too slow")
        count = request.html.count("data-smtpeter-n=")
        return InlineResult(
            attributes={number: {"style": "color: #123456"} for number in range(count)},
            remaining=tuple("/* kept */" for _ in request.style_sheets),
        )


@define
class Inline:
    """
    Threads that are none: work is done at once.

    @ivar is_broken: whether it raises instead.
    """

    calls: int = 0
    is_broken: bool = False

    async def run(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call it."""
        self.calls += 1
        if self.is_broken:
            raise RuntimeError("no threads")
        return function(*arguments)


@define
class Rig:
    """A compiler and what it works with."""

    domains: Domains = field(factory=Domains)
    inliner: Inlining = field(factory=Inlining)
    threads: Inline = field(factory=Inline)
    clock: Clock = field(factory=Clock)

    def compiler(self, **settings: Any) -> Compiler:
        """A new compiler."""
        made = CompilerSettings(
            **{"hostname": "mail.example.com", "tracking_url": BASE, "bounce_domain": "bounces.example.com", **settings}
        )
        return Compiler(self.domains, self.inliner, KEYS, made, self.clock, self.threads)


def submission(content: bytes, features: Features = ALL, **others: Any) -> Submission:
    """An accepted submission with two messages."""
    made: dict[str, Any] = {
        "id": new_id(1_700_000_000.0, b"submis"),
        "account_id": 1,
        "login_id": 1,
        "source": "smtp",
        "features": features,
        "tags": (),
        "warnings": (),
        "reverse_path": "sender@example.com",
        "sender_domain": "example.com",
        "content": content,
        "trace": Trace(protocol="ESMTPSA", helo="client", peer="192.0.2.7"),
        "ret": None,
        "envid": None,
        "is_utf8": False,
        "received_at": 1_700_000_000.0,
        "expires_at": 1_700_086_400.0,
        "messages": tuple(
            Message(id=id, recipient=Recipient(address="r@example.net"), domain="example.net")
            for id in (MESSAGE, OTHER)
        ),
    }
    return Submission(**(made | others))
