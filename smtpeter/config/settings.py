"""The frozen values that the program sees of its configuration: checked, with defaults, paths absolute."""

from pathlib import PurePath
from typing import Literal

from attrs import field, frozen

from smtpeter.model.suppression import SuppressionReason

RouteTLS = Literal["none", "opportunistic", "require", "verify"]


@frozen(kw_only=True)
class ServerSettings:
    """[server]"""

    hostname: str
    """What the server calls itself: lower case, A-labels."""
    state_dir: PurePath
    contact: str
    """An address for people whose account may not send, and for postmaster's mail."""


@frozen(kw_only=True)
class DatabaseSettings:
    """[database]"""

    url: str = field(repr=False)
    """An SQLAlchemy URL. The path of an SQLite file is absolute."""


@frozen(kw_only=True)
class SMTPSettings:
    """[smtp]"""

    listen: tuple[str, ...]
    """Twisted endpoint strings, as in all C{listen}."""
    listen_tls: tuple[str, ...]
    """Endpoints on which TLS starts at once; they are plain endpoints, the certificate is the one of [tls]."""
    max_message_size: int
    """Bytes."""
    max_recipients: int
    bare_newline: Literal["normalize", "reject"]
    greeting_delay: float
    """Seconds."""
    max_connections: int
    max_connections_per_address: int
    show_client_address: bool


@frozen(kw_only=True)
class TLSSettings:
    """[tls]"""

    certificate: PurePath | None
    """C{None} only when nothing listens that needs one."""
    key: PurePath | None
    folder: PurePath | None
    """Certificates for further names, chosen by SNI."""


@frozen(kw_only=True)
class WebSettings:
    """[web]"""

    listen: tuple[str, ...]
    listen_tls: tuple[str, ...]
    public_url: str
    """Scheme and authority, no slash at the end."""
    allow_insecure: bool
    trusted_proxies: tuple[str, ...]
    """Ranges of IP addresses."""
    max_body_size: int
    """Bytes."""
    allow_private: bool


@frozen(kw_only=True)
class ProcessingSettings:
    """[processing]"""

    inliner: Literal["premailer", "css-inline"]
    workers: int
    timeout: float
    """Seconds."""
    worker_memory: int
    """Bytes."""


@frozen(kw_only=True)
class TrackingSettings:
    """[tracking]"""

    url: str
    """Scheme and authority, no slash at the end."""
    bounce_domain: str
    """Lower case, A-labels."""


@frozen(kw_only=True)
class SubmissionSettings:
    """[submission]"""

    sender_domains: Literal["required", "optional"]


@frozen(kw_only=True)
class SuppressionSettings:
    """[suppression]"""

    reasons: frozenset[SuppressionReason]
    """What puts an address on the list of its own accord."""


@frozen(kw_only=True)
class RouteSettings:
    """One [[relay.route]]."""

    domain: str
    """Lower case, A-labels; C{*.example.com} for what lies below it; C{*} for the rest."""
    host: str
    port: int
    tls: RouteTLS
    username: str
    """Empty when the host wants no login."""
    password_file: PurePath | None


@frozen(kw_only=True)
class RelaySettings:
    """[relay]"""

    port: int
    source_addresses: tuple[str, ...]
    """IP addresses; empty lets the system choose."""
    max_age_hours: float
    allow_private: bool
    routes: tuple[RouteSettings, ...]


@frozen(kw_only=True)
class DNSSettings:
    """[dns]"""

    servers: tuple[tuple[str, int], ...]
    """Address and port; empty for the system's."""


@frozen(kw_only=True)
class SecretsSettings:
    """[secrets]"""

    folder: PurePath


@frozen(kw_only=True)
class RetentionSettings:
    """[retention]"""

    content_days: int
    """How long contents are kept after they were accepted."""
    events_days: int
    """How long messages and their events are."""
    images_days: int
    """How long a hosted image is, after mail that shows it was last prepared."""


@frozen(kw_only=True)
class MetricsSettings:
    """[metrics]"""

    listen: tuple[str, ...]


@frozen(kw_only=True)
class Settings:
    """The whole configuration."""

    server: ServerSettings
    database: DatabaseSettings
    smtp: SMTPSettings
    tls: TLSSettings
    web: WebSettings
    processing: ProcessingSettings
    tracking: TrackingSettings
    submission: SubmissionSettings
    suppression: SuppressionSettings
    relay: RelaySettings
    dns: DNSSettings
    secrets: SecretsSettings
    retention: RetentionSettings
    metrics: MetricsSettings
