"""
Reads the text of a configuration file into L{Settings} (pure).

Keys whose default depends on others: C{contact} is postmaster at the host name, bounces come to the host name itself
(an address record is all it needs), and the web addresses are the host name with the port of the first listener.
"""

import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError

from smtpeter.config import document as written
from smtpeter.config import settings as made
from smtpeter.config.checks import SQLITE
from smtpeter.config.contradictions import contradictions
from smtpeter.config.faults import ConfigurationError, Fault
from smtpeter.config.translation import translate, without
from smtpeter.model.suppression import SuppressionReason

_TCP = re.compile(r"tcp6?:(?:port=)?(\d+)")


def read_settings(text: str, folder: PurePath, missing: Collection[str] = ()) -> made.Settings:
    """
    Read a configuration.

    @param text: TOML.
    @param folder: where relative paths start.
    @param missing: values that ask for what is not installed.
    @raise ConfigurationError: with every fault at once.
    """
    table = _parse(text)
    try:
        document = written.Document.model_validate(table)
    except ValidationError as error:
        raise ConfigurationError(_all_faults(table, error, missing)) from None
    faults = contradictions(document, missing)
    if faults:
        raise ConfigurationError(faults)
    return _settle(document, folder)


def _all_faults(table: dict[str, Any], error: ValidationError, missing: Collection[str]) -> list[Fault]:
    """What is wrong by itself, and what the rest contradicts of each other."""
    faults = translate(error)
    try:
        rest = written.Document.model_validate(without(table, error))
    except ValidationError:
        return faults
    places = {(fault.section, fault.key.partition(" ")[0]) for fault in faults}
    return faults + [fault for fault in contradictions(rest, missing) if (fault.section, fault.key) not in places]


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = Fault(section="", key="", problem=f"the file is no TOML: {error}", remedy="correct that line")
        raise ConfigurationError([fault]) from None


def _settle(document: written.Document, folder: PurePath) -> made.Settings:
    server, relay = document.server, document.relay
    return made.Settings(
        server=made.ServerSettings(
            hostname=server.hostname,
            state_dir=folder / server.state_dir,
            contact=server.contact or f"postmaster@{server.hostname}",
        ),
        database=made.DatabaseSettings(url=_database_url(document.database.url, folder)),
        smtp=made.SMTPSettings(**_frozen(document.smtp)),
        tls=_tls(document.tls, folder),
        web=_web(document),
        processing=made.ProcessingSettings(**_frozen(document.processing)),
        tracking=_tracking(document),
        submission=made.SubmissionSettings(**_frozen(document.submission)),
        suppression=made.SuppressionSettings(reasons=frozenset(map(SuppressionReason, document.suppression.reasons))),
        relay=made.RelaySettings(
            **{**_frozen(relay, without="route"), "routes": tuple(_route(route, folder) for route in relay.route)}
        ),
        dns=made.DNSSettings(**_frozen(document.dns)),
        secrets=made.SecretsSettings(folder=folder / document.secrets.folder),
        retention=made.RetentionSettings(**_frozen(document.retention)),
        metrics=made.MetricsSettings(**_frozen(document.metrics)),
    )


def _database_url(url: str, folder: PurePath) -> str:
    return SQLITE + str(folder / url.removeprefix(SQLITE)) if url.startswith(SQLITE) else url


def _frozen(section: written.Section, without: str = "") -> dict[str, Any]:
    """The values of a section, lists as tuples."""
    values = {name: getattr(section, name) for name in type(section).model_fields if name != without}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _path(text: str, folder: PurePath) -> PurePath | None:
    return folder / text if text else None


def _tls(section: written.TLSSection, folder: PurePath) -> made.TLSSettings:
    return made.TLSSettings(
        certificate=_path(section.certificate, folder),
        key=_path(section.key, folder),
        folder=_path(section.folder, folder),
    )


def _route(section: written.RouteSection, folder: PurePath) -> made.RouteSettings:
    values = {**_frozen(section), "password_file": _path(section.password_file, folder)}
    return made.RouteSettings(**values)


def _web(document: written.Document) -> made.WebSettings:
    web, name = document.web, document.server.hostname
    url = _derived_url("https", name, web.listen_tls) if web.listen_tls else _derived_url("http", name, web.listen)
    return made.WebSettings(**{**_frozen(web), "public_url": web.public_url or url})


def _tracking(document: written.Document) -> made.TrackingSettings:
    name = document.server.hostname
    return made.TrackingSettings(
        url=document.tracking.url or _derived_url("http", name, document.web.listen),
        bounce_domain=document.tracking.bounce_domain or name,
    )


def _derived_url(scheme: str, hostname: str, listen: Sequence[str]) -> str:
    ports = [match[1] for match in map(_TCP.match, listen) if match]
    usual = {"http": "80", "https": "443"}[scheme]
    return f"{scheme}://{hostname}" + (f":{ports[0]}" if ports and ports[0] not in (usual, "0") else "")
