"""The demo's installation: a folder of its own, free loopback ports, a sender domain and a login with every feature."""

import os
import socket
import time
from pathlib import Path

from attrs import frozen

from smtpeter.accounts.signing import generate_private_key
from smtpeter.auth.secrets import load_secrets
from smtpeter.cli.direct import run
from smtpeter.cli.foundation import FIRST_ACCOUNT, Foundation
from smtpeter.cli.output import Output
from smtpeter.cli.session import Session, join
from smtpeter.config import Settings, load_settings
from smtpeter.model.options import Features

DOMAIN = "shop.example"

_CONFIGURATION = """\
# The demo: everything on loopback, all mail goes to a capturing destination.
[server]
hostname = "localhost"
[smtp]
listen = ["tcp:{smtp}:interface=127.0.0.1"]
listen_tls = []
[web]
listen = ["tcp:{web}:interface=127.0.0.1"]
listen_tls = []
public_url = "http://localhost:{web}"
[tracking]
url = "http://127.0.0.1:{web}"
bounce_domain = "bounces.localhost"
[[relay.route]]
domain = "*"
host = "127.0.0.1"
port = {capture}
tls = "none"
"""


@frozen(kw_only=True)
class DemoPlace:
    """What the story needs to know."""

    folder: Path
    smtp_port: int
    web_port: int
    capture_port: int
    settings: Settings
    username: str
    password: str

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "smtpeter.toml"

    @property
    def certificate(self) -> Path:
        """What clients must trust."""
        return self.folder / "tls" / "cert.pem"

    def open(self) -> Session:
        """The database, for one thread."""
        return _session(self.settings)


def make_place(folder: Path) -> DemoPlace:
    """
    Set everything up.

    @param folder: new or empty.
    @raise Stopped: it is not.
    """
    Foundation(folder=folder, hostname="localhost", now=time.time(), chance=os.urandom).lay()
    smtp, web, capture = _free_ports(3)
    config = folder / "smtpeter.toml"
    config.write_text(_CONFIGURATION.format(smtp=smtp, web=web, capture=capture), "utf-8")
    settings = load_settings(config)
    username, password = run(_sender(settings))
    return DemoPlace(
        folder=folder,
        smtp_port=smtp,
        web_port=web,
        capture_port=capture,
        settings=settings,
        username=username,
        password=password,
    )


async def _sender(settings: Settings) -> tuple[str, str]:
    session = _session(settings)
    try:
        account = await session.accounts.find(FIRST_ACCOUNT)
        await session.domains.add(account, DOMAIN, True, generate_private_key())
        features = Features(inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True)
        made = await session.logins.create(account, "demo", features)
    finally:
        await session.close()
    return made.login.username, made.password


def _session(settings: Settings) -> Session:
    return join(settings, load_secrets(Path(settings.secrets.folder)), Output(is_json=True))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
