"""What a server stands on, read before it starts: keys, certificates, the schema of the database, the state folder."""

import os
from pathlib import Path

from attrs import frozen
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from smtpeter.assembly.lock import StateFolder, StateInUse
from smtpeter.auth.secrets import Secrets, SecretsError, load_secrets
from smtpeter.config import Settings
from smtpeter.config.settings import RouteSettings
from smtpeter.relay.routes import Route
from smtpeter.storage.engines import DriverMissing
from smtpeter.storage.schema import SchemaNewer, SchemaOutdated
from smtpeter.storage.schema import check as check_schema
from smtpeter.tls.certificates import CertificateFiles, Certificates
from smtpeter.tls.pair import CertificateError


class CannotStart(Exception):
    """The server cannot start; the message says what is wrong and what to do."""


@frozen(kw_only=True)
class Foundations:
    """Everything that was read."""

    state: StateFolder
    node_id: str
    secrets: Secrets
    certificates: Certificates | None
    routes: tuple[Route, ...]


def lay_foundations(settings: Settings) -> Foundations:
    """
    Read and check; may block, so it is called before the reactor runs.

    @raise CannotStart: something is missing, broken or in use.
    """
    try:
        check_schema(settings.database.url)
        secrets = load_secrets(Path(settings.secrets.folder))
        certificates = _certificates(settings)
        state = _state(settings)
    except (DriverMissing, SchemaOutdated, SchemaNewer, SecretsError, CertificateError, StateInUse) as error:
        raise CannotStart(str(error)) from None
    except SQLAlchemyError as error:
        where = make_url(settings.database.url).render_as_string(hide_password=True)
        raise CannotStart(f"the database cannot be opened: {where}: {getattr(error, 'orig', error)}") from None
    except OSError as error:
        raise CannotStart(f"{error.filename}: {error.strerror}") from None
    routes = tuple(_route(route) for route in settings.relay.routes)
    return Foundations(
        state=state, node_id=state.node_id(os.urandom), secrets=secrets, certificates=certificates, routes=routes
    )


def _state(settings: Settings) -> StateFolder:
    """The folder, found free. The lock is taken for good when the server starts, which may be in another process."""
    state = StateFolder(Path(settings.server.state_dir))
    state.acquire()
    state.release()
    return state


def _certificates(settings: Settings) -> Certificates | None:
    if settings.tls.certificate is None or settings.tls.key is None:
        return None
    folder = None if settings.tls.folder is None else Path(settings.tls.folder)
    files = CertificateFiles(certificate=Path(settings.tls.certificate), key=Path(settings.tls.key), folder=folder)
    certificates = Certificates(files)
    certificates.load()
    return certificates


def _route(route: RouteSettings) -> Route:
    password = "" if route.password_file is None else _password(Path(route.password_file))
    return Route(
        domain=route.domain, host=route.host, port=route.port, tls=route.tls, username=route.username, password=password
    )


def _password(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise CannotStart(f"the password of a route cannot be read: {path}: {error.strerror}") from None
