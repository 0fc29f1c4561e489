"""Looks at files, keys, certificates and ports for C{smtpeter check}."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smtpeter.auth.secrets import SecretsError, load_secrets, shared_keys
from smtpeter.cli.findings import Finding
from smtpeter.cli.place import foreign
from smtpeter.config import Settings
from smtpeter.config.checks import endpoint_parts
from smtpeter.storage import schema
from smtpeter.tls.certificates import CertificateFiles, make_options
from smtpeter.tls.pair import CertificateError, LoadedPair, is_for, load_pair

SOON = timedelta(days=21)
"""A certificate that ends within this time should have been renewed."""


def examine_state(settings: Settings) -> Iterator[Finding]:
    """The folder of state, the database and its schema."""
    state = Path(settings.server.state_dir)
    if not state.is_dir():
        yield Finding("error", "state", f"{state} is no folder; run smtpeter init, or correct state_dir")
        return
    problem = foreign(state, state.stat().st_uid, os.geteuid())
    if problem:
        yield Finding("error", "state", problem)
        return
    yield Finding("ok", "state", f"{state} is ours")
    try:
        schema.check(settings.database.url)
    except (schema.SchemaOutdated, schema.SchemaNewer) as error:
        yield Finding("error", "database", str(error))
    except Exception as error:
        yield Finding("error", "database", f"cannot be opened: {getattr(error, 'orig', error)}")
    else:
        yield Finding("ok", "database", f"schema {schema.newest()}")


def examine_secrets(settings: Settings) -> Iterator[Finding]:
    """The folder of keys, and the passwords of routes."""
    folder = Path(settings.secrets.folder)
    try:
        load_secrets(folder)
    except SecretsError as error:
        yield Finding("error", "secrets", str(error))
    else:
        shared = shared_keys(folder)
        for path in shared:
            yield Finding("warning", "secrets", f"the group may read {path}; run chmod g= {path}, or mean it so")
        if not shared:
            yield Finding("ok", "secrets", f"the keys in {folder} are readable by their owner only")
    for route in settings.relay.routes:
        if route.password_file is not None and not os.access(route.password_file, os.R_OK):
            yield Finding("error", f"route {route.domain}", f"cannot read {route.password_file}")


def examine_certificates(settings: Settings, now: float) -> Iterator[Finding]:
    """The certificates: readable, with their keys, for the host name, for some time to come."""
    tls = settings.tls
    if tls.certificate is None or tls.key is None:
        return
    files = CertificateFiles(
        certificate=Path(tls.certificate), key=Path(tls.key), folder=Path(tls.folder) if tls.folder else None
    )
    try:
        pairs = [(certificate, load_pair(certificate, key)) for certificate, key in files.pairs()]
        make_options([pair for _, pair in pairs])
    except CertificateError as error:
        yield Finding("error", "certificate", str(error))
        return
    hostname = settings.server.hostname
    if not is_for(pairs[0][1].names, hostname):
        names = ", ".join(pairs[0][1].names) or "no name"
        text = f"{files.certificate} is for {names}, not for {hostname}: clients will refuse it"
        yield Finding("warning", "certificate", text)
    for path, pair in pairs:
        yield _judge(path, pair, datetime.fromtimestamp(now, UTC))


def _judge(path: Path, pair: LoadedPair, now: datetime) -> Finding:
    ends = f"{pair.ends_at:%Y-%m-%d %H:%M} UTC"
    if pair.ends_at <= now:
        return Finding("error", "certificate", f"{path} has ended on {ends}: renew it")
    if pair.leaf.not_valid_before_utc > now:
        return Finding("error", "certificate", f"{path} is not valid yet: check the clock of this machine")
    if pair.ends_at - now < SOON:
        return Finding("warning", "certificate", f"{path} ends on {ends}: renew it")
    if pair.leaf.issuer == pair.leaf.subject:
        text = f"{path} is self-signed: only clients that are told so trust it; put a real one in its place"
        return Finding("warning", "certificate", text)
    return Finding("ok", "certificate", f"{path} is valid until {ends}")


def examine_ports(settings: Settings, bind: Callable[[str, int], None]) -> Iterator[Finding]:
    """
    Whether the server could listen, and send from its addresses.

    @param bind: binds to an address and port and lets go; raises L{OSError}.
    """
    smtp, web = settings.smtp, settings.web
    for endpoint in (*smtp.listen, *smtp.listen_tls, *web.listen, *web.listen_tls, *settings.metrics.listen):
        kind, options = endpoint_parts(endpoint)
        if kind in ("tcp", "tcp6"):
            interface = options.get("interface", "::" if kind == "tcp6" else "0.0.0.0")  # noqa: S104
            yield _try_port(endpoint, lambda: bind(interface, int(options["port"])))  # noqa: B023
    for address in settings.relay.source_addresses:
        finding = _try_port(f"source {address}", lambda: bind(address, 0))  # noqa: B023
        if finding.level != "ok":
            yield finding


def _try_port(subject: str, bind: Callable[[], None]) -> Finding:
    try:
        bind()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Finding("warning", subject, "is in use: by the running server, or by another program")
        if error.errno == errno.EACCES:
            text = "needs a right: use etc/smtpeter.service (CAP_NET_BIND_SERVICE), or start as root with --uid"
            return Finding("warning", subject, text)
        return Finding("error", subject, f"cannot be used: {error.strerror}")
    return Finding("ok", subject, "is free")


def bind_once(address: str, port: int) -> None:
    """
    Listen for a moment.

    @raise OSError: not possible.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        if port:
            listening.listen(1)
