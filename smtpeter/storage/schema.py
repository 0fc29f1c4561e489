"""
Brings a database to the schema of this version, and tells whether it has it.

Migrations run in one transaction on both databases: a failed one leaves nothing behind. On PostgreSQL a lock lets one
node migrate at a time; on SQLite C{BEGIN IMMEDIATE} does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from smtpeter.storage.engines import is_memory, is_sqlite, open_writer

_LOCATION = "smtpeter.storage:migrations"
_LOCK = text("SELECT pg_advisory_xact_lock(7368770)")


class SchemaOutdated(Exception):
    """The database is older than this version (or empty): run C{smtpeter migrate}."""


class SchemaNewer(Exception):
    """The database was migrated by a newer version of SMTPeter: run that one."""


def newest() -> str:
    """The revision that this version has."""
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError("the package has no migrations")
    return head


def current(url: str) -> str | None:
    """
    The revision of a database; C{None} when it has no tables of ours. A missing file is not made.

    @raise sqlalchemy.exc.OperationalError: it cannot be reached.
    """
    if _is_missing(url):
        return None
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check(url: str) -> None:
    """
    Make sure that a database has the schema of this version.

    @raise SchemaOutdated: it is older, or empty.
    @raise SchemaNewer: it is newer.
    """
    found = current(url)
    if found == newest():
        return
    if found is None:
        raise SchemaOutdated("the database is empty: run `smtpeter migrate`")
    if found in {script.revision for script in _scripts().walk_revisions()}:
        raise SchemaOutdated(f"the database has schema {found}, this version {newest()}: run `smtpeter migrate`")
    raise SchemaNewer(f"the database has schema {found}, which a newer version of SMTPeter made: run that version")


def upgrade(url: str, revision: str = "head") -> str:
    """
    Run the migrations that are missing; a new SQLite file is readable by its owner only.

    @return: the revision that the database has now.
    @raise SchemaNewer: it is newer than this version.
    @raise sqlalchemy.exc.OperationalError: it cannot be reached or written.
    """
    if _is_missing(url):
        os.close(os.open(str(make_url(url).database), os.O_CREAT | os.O_WRONLY, 0o600))
    with _connected(url) as connection:
        return upgrade_connection(connection, revision)


def upgrade_connection(connection: Connection, revision: str = "head") -> str:
    """The same in a transaction of the caller's."""
    scripts = _scripts()
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaNewer(f"the database has schema {found}, which a newer version of SMTPeter made: run that version")
    _migrate(connection, scripts, revision)
    return str(MigrationContext.configure(connection).get_current_revision())


def _migrate(connection: Connection, scripts: ScriptDirectory, revision: str) -> None:
    def steps(found: Any, _context: Any) -> Any:
        return scripts._upgrade_revs(revision, found)

    config = _config()
    config.attributes["connection"] = connection
    with EnvironmentContext(config, scripts, fn=steps, destination_rev=revision):
        scripts.run_env()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _is_missing(url: str) -> bool:
    return is_sqlite(url) and not is_memory(url) and not os.path.exists(str(make_url(url).database))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_writer(url)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()
