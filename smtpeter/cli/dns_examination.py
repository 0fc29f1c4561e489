"""Looks at the names in DNS for C{smtpeter check}. All is advice: a server may start before its names exist."""

from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

from smtpeter.cli.findings import Finding
from smtpeter.cli.lookup import NoAnswer
from smtpeter.config import Settings
from smtpeter.config.checks import is_address


class Names(Protocol):
    """What is asked of DNS; see L{smtpeter.cli.lookup.Lookup}."""

    def addresses(self, name: str) -> list[str]:
        """IPv4 and IPv6 addresses."""

    def mail_hosts(self, name: str) -> list[str]:
        """MX hosts."""


def examine_dns(settings: Settings, names: Names) -> Iterator[Finding]:
    """Host name, tracking host and bounce domain; the first unanswered question ends it."""
    try:
        yield from _examine(settings, names)
    except NoAnswer as error:
        yield Finding("warning", "DNS", f"{error}: the names were not checked")


def _examine(settings: Settings, names: Names) -> Iterator[Finding]:
    hostname = settings.server.hostname
    ours = names.addresses(hostname)
    yield _address(f"hostname {hostname}", ours, "other servers refuse mail from a name without address")
    tracking = urlsplit(settings.tracking.url).hostname or ""
    if not is_address(tracking) and tracking != hostname:
        yield _address(f"tracking {tracking}", names.addresses(tracking), "tracked links will not work")
    yield _bounces(settings.tracking.bounce_domain, hostname, ours, names)


def _address(subject: str, found: list[str], otherwise: str) -> Finding:
    if found:
        return Finding("ok", subject, f"has the address {', '.join(found)}")
    return Finding("warning", subject, f"has no address in DNS: publish an A record; {otherwise}")


def _bounces(domain: str, hostname: str, ours: list[str], names: Names) -> Finding:
    subject = f"bounces {domain}"
    hosts = names.mail_hosts(domain)
    if not hosts:
        if domain == hostname and ours:
            return Finding("ok", subject, "leads to this server by its address")
        if set(names.addresses(domain)) & set(ours):
            return Finding("ok", subject, "has the address of this server")
        return Finding("warning", subject, f"does not lead here: publish {domain}. MX 10 {hostname}.")
    if hostname in hosts or any(set(names.addresses(host)) & set(ours) for host in hosts):
        return Finding("ok", subject, f"has the MX {hosts[0]}")
    return Finding("warning", subject, f"has the MX {hosts[0]}, not {hostname}: bounces go elsewhere")
