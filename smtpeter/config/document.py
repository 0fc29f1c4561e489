"""
The configuration file as it is written: sections and keys with their types, bounds and plain defaults (pydantic,
strict).

A default of C{None} depends on other keys; L{smtpeter.config.reader} fills it in.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smtpeter.config.checks import (
    address,
    base_url,
    database_url,
    endpoint,
    host,
    host_name,
    mailbox,
    name_server,
    network,
)
from smtpeter.config.faults import WrongValue
from smtpeter.config.settings import RouteTLS


def _filled(text: str) -> str:
    if not text or "\0" in text:
        raise WrongValue("is empty", "write a path, or leave the key out")
    return text


def _domain_pattern(text: str) -> str:
    """A domain, C{*.example.com} for what lies below one, or C{*}."""
    if text == "*":
        return text
    return f"*.{host_name(text[2:])}" if text.startswith("*.") else host_name(text)


HostName = Annotated[str, AfterValidator(host_name)]
Host = Annotated[str, AfterValidator(host)]
Domain = Annotated[str, AfterValidator(_domain_pattern)]
Mailbox = Annotated[str, AfterValidator(mailbox)]
BaseURL = Annotated[str, AfterValidator(base_url)]
OptionalPath = str
Path = Annotated[str, AfterValidator(_filled)]
Endpoint = Annotated[str, AfterValidator(endpoint)]
Address = Annotated[str, AfterValidator(address)]
Network = Annotated[str, AfterValidator(network)]
NameServer = Annotated[str, AfterValidator(name_server)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A table of the file: no other keys, no conversions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ServerSection(Section):
    """[server]"""

    hostname: HostName
    state_dir: Path = "state"
    contact: Mailbox | None = None


class DatabaseSection(Section):
    """[database]"""

    url: Annotated[str, AfterValidator(database_url)] = "sqlite:///state/smtpeter.db"


class SMTPSection(Section):
    """[smtp]"""

    listen: list[Endpoint] = ["tcp:25", "tcp:587", "tcp:2525"]
    listen_tls: list[Endpoint] = ["tcp:465"]
    max_message_size: int = Field(default=26214400, ge=1024, le=1 << 30)
    max_recipients: int = Field(default=1000, ge=1, le=100_000)
    bare_newline: Literal["normalize", "reject"] = "normalize"
    greeting_delay: float = Field(default=0, ge=0, le=60, allow_inf_nan=False)
    max_connections: int = Field(default=1000, ge=1)
    max_connections_per_address: int = Field(default=50, ge=1)
    show_client_address: bool = False


class TLSSection(Section):
    """[tls]"""

    certificate: OptionalPath = "tls/cert.pem"
    key: OptionalPath = "tls/key.pem"
    folder: OptionalPath = ""


class WebSection(Section):
    """[web]"""

    listen: list[Endpoint] = ["tcp:8025"]
    listen_tls: list[Endpoint] = ["tcp:8443"]
    public_url: BaseURL | None = None
    allow_insecure: bool = False
    trusted_proxies: list[Network] = []
    max_body_size: int = Field(default=33554432, ge=65536, le=1 << 30)
    allow_private: bool = False


class ProcessingSection(Section):
    """[processing]"""

    inliner: Literal["premailer", "css-inline"] = "premailer"
    workers: int = Field(default=2, ge=1, le=256)
    timeout: float = Field(default=5, gt=0, le=300, allow_inf_nan=False)
    worker_memory: int = Field(default=268435456, ge=1 << 27)


class TrackingSection(Section):
    """[tracking]"""

    url: BaseURL | None = None
    bounce_domain: HostName | None = None


class SubmissionSection(Section):
    """[submission]"""

    sender_domains: Literal["required", "optional"] = "required"


class SuppressionSection(Section):
    """[suppression]"""

    reasons: list[Literal["hard_bounce", "complaint", "unsubscribe"]] = ["hard_bounce", "complaint", "unsubscribe"]


class RouteSection(Section):
    """One [[relay.route]]."""

    domain: Domain = "*"
    host: Host
    port: Port = 25
    tls: RouteTLS = "opportunistic"
    username: str = ""
    password_file: OptionalPath = ""


class RelaySection(Section):
    """[relay]"""

    port: Port = 25
    source_addresses: list[Address] = []
    max_age_hours: float = Field(default=24, gt=0, le=8760, allow_inf_nan=False)
    allow_private: bool = False
    route: list[RouteSection] = []


class DNSSection(Section):
    """[dns]"""

    servers: list[NameServer] = []


class SecretsSection(Section):
    """[secrets]"""

    folder: Path = "secrets"


class RetentionSection(Section):
    """[retention]"""

    content_days: int = Field(default=90, ge=0, le=36500)
    events_days: int = Field(default=400, ge=1, le=36500)
    images_days: int = Field(default=3650, ge=30, le=36500)


class MetricsSection(Section):
    """[metrics]"""

    listen: list[Endpoint] = []


class Document(Section):
    """The whole file."""

    server: ServerSection
    database: DatabaseSection = DatabaseSection()
    smtp: SMTPSection = SMTPSection()
    tls: TLSSection = TLSSection()
    web: WebSection = WebSection()
    processing: ProcessingSection = ProcessingSection()
    tracking: TrackingSection = TrackingSection()
    submission: SubmissionSection = SubmissionSection()
    suppression: SuppressionSection = SuppressionSection()
    relay: RelaySection = RelaySection()
    dns: DNSSection = DNSSection()
    secrets: SecretsSection = SecretsSection()
    retention: RetentionSection = RetentionSection()
    metrics: MetricsSection = MetricsSection()


def known_keys() -> dict[str, tuple[str, ...]]:
    """The keys of every section that this version knows; C{relay.route} is a section of its own."""
    keys = {name: tuple(_section(name).model_fields) for name in Document.model_fields}
    keys["relay"] = tuple(key for key in keys["relay"] if key != "route")
    return {**keys, "relay.route": tuple(RouteSection.model_fields)}


def _section(name: str) -> type[Section]:
    annotation = Document.model_fields[name].annotation
    assert isinstance(annotation, type) and issubclass(annotation, Section)
    return annotation
