"""Who sends: accounts (tenants), their logins (SMTP credentials), tokens (REST credentials) and sender domains."""

from enum import Enum
from typing import Literal, get_args

from attrs import field, frozen

from smtpeter.model.options import Features

Scope = Literal["send", "read", "manage"]
"""What a token may be used for."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
"""All of them, in the order in which they are always listed."""


class Standing(Enum):
    """Whether an account may send."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@frozen(kw_only=True)
class Account:
    """A tenant: what it sends, its settings and its figures are its own."""

    id: int
    name: str
    standing: Standing


@frozen(kw_only=True)
class Login:
    """An SMTP credential with the features that its messages get."""

    id: int
    account: Account
    username: str
    name: str
    features: Features
    secret: bytes = field(repr=False)
    """A keyed hash of the password (L{smtpeter.auth.passwords})."""


@frozen(kw_only=True)
class Token:
    """A REST credential. What was handed out is kept nowhere, only its keyed hash, by which it is found."""

    id: int
    account: Account
    name: str
    scopes: tuple[Scope, ...]
    """In the order of L{SCOPES}."""


@frozen(kw_only=True)
class SigningKey:
    """A DKIM key (RFC 6376): the private half is a PEM and never leaves the server."""

    domain: str
    selector: str
    private_pem: bytes = field(repr=False)


@frozen(kw_only=True)
class SenderDomain:
    """A domain that an account may write in From. Names are A-labels in lower case."""

    account_id: int
    name: str
    is_approved: bool
    key: SigningKey | None
