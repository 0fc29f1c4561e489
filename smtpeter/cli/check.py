"""C{smtpeter check}: looks for what is wrong before a client does."""

import time
from collections.abc import Iterator

import click

from smtpeter.cli.dns_examination import examine_dns
from smtpeter.cli.examination import bind_once, examine_certificates, examine_ports, examine_secrets, examine_state
from smtpeter.cli.findings import Finding
from smtpeter.cli.lookup import Lookup, system_servers
from smtpeter.cli.options import Invocation, common, pass_invocation
from smtpeter.cli.output import Output
from smtpeter.cli.place import config_path
from smtpeter.config import ConfigurationError, Settings, load_settings

DNS_SECONDS = 5.0


@click.command()
@click.option("--no-dns", is_flag=True, help="Ask nothing of DNS.")
@common
@pass_invocation
@click.pass_context
def check(context: click.Context, invocation: Invocation, no_dns: bool) -> None:
    """
    Check configuration, database, keys, certificates, ports and names.

    Ends with 1 if something is wrong that keeps the server from working; warnings alone end with 0.
    """
    out = Output(invocation.as_json)
    is_wrong = False
    for finding in _findings(invocation, no_dns):
        record = {"level": finding.level, "subject": finding.subject, "text": finding.text}
        out.one(record, f"{finding.level:<7}  {finding.subject}: {finding.text}")
        is_wrong = is_wrong or finding.level == "error"
    context.exit(1 if is_wrong else 0)


def _findings(invocation: Invocation, no_dns: bool) -> Iterator[Finding]:
    path = config_path(invocation.config)
    try:
        settings = load_settings(path)
    except ConfigurationError as error:
        yield from (Finding("error", "configuration", str(fault)) for fault in error.faults)
        return
    yield Finding("ok", "configuration", str(path))
    yield from _examine(settings)
    if not no_dns:
        yield from examine_dns(settings, Lookup(settings.dns.servers or system_servers(), DNS_SECONDS))


def _examine(settings: Settings) -> Iterator[Finding]:
    yield from examine_state(settings)
    yield from examine_secrets(settings)
    yield from examine_certificates(settings, time.time())
    yield from examine_ports(settings, bind_once)
