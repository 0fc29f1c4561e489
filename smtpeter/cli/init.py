"""C{smtpeter init}: everything that a server needs to start."""

import os
import shlex
import socket
import time
from pathlib import Path

import click

from smtpeter.cli.failures import Stopped
from smtpeter.cli.foundation import FIRST_ACCOUNT, Foundation
from smtpeter.cli.options import Invocation, common, pass_invocation
from smtpeter.cli.output import Output
from smtpeter.config.checks import host_name
from smtpeter.config.faults import WrongValue


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--hostname", metavar="NAME", help="The server's name in DNS; else that of this machine.")
@common
@pass_invocation
def init(invocation: Invocation, directory: Path, hostname: str | None) -> None:
    """
    Write configuration, keys, a self-signed certificate, the database and the account `default`.

    DIR is made if needed, else the current folder is used. Nothing that exists is overwritten.
    """
    if invocation.config is not None:
        raise click.UsageError("init writes a new configuration: name its folder instead of --config.")
    name = _checked(hostname) if hostname is not None else own_name()
    folder = directory.absolute()
    Foundation(folder=folder, hostname=name, now=time.time(), chance=os.urandom).lay()
    config = folder / "smtpeter.toml"
    record = {"config": str(config), "hostname": name, "account": FIRST_ACCOUNT}
    Output(invocation.as_json).one(record, _next_steps(config, name))


def own_name() -> str:
    """What this machine calls itself, as far as it can be a name in DNS."""
    for found in (socket.getfqdn(), socket.gethostname()):
        try:
            name = host_name(found)
        except WrongValue:
            continue
        if not name.endswith(".arpa"):
            return name
    return "localhost"


def _checked(hostname: str) -> str:
    try:
        return host_name(hostname)
    except WrongValue as wrong:
        raise Stopped(f"--hostname {hostname} {wrong.problem}; {wrong.remedy}") from None


def _next_steps(config: Path, hostname: str) -> str:
    said = shlex.quote(str(config))
    return f"""\
{config} written, for {hostname}, with keys, a self-signed certificate, a database and the account {FIRST_ACCOUNT}.

Next:
  export SMTPETER_CONFIG={said}
  smtpeter domain add example.com --approve     a domain that mail may come from
  smtpeter login create NAME --trackclicks      user name and password for SMTP
  smtpeter check                                names, ports, certificate
  twistd -n smtpeter --config {said}

tls/cert.pem is self-signed: put a real certificate in its place before clients have to trust it.
Keep the folder secrets with every backup: without it links and bounces of sent mail are lost."""
