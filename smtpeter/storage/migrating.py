"""
Brings a database to the schema of this version.

Migrations run in one transaction on both databases: a failed one leaves nothing behind. On PostgreSQL a lock lets one
node migrate at a time; on SQLite C{BEGIN IMMEDIATE} does. Only who migrates loads this module, and Alembic with it: it
takes 10 MB and a fifth of a second.
"""

import os
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from smtpeter.storage.schema import connected, is_missing, known_revisions, made_by_newer, revision_of

_LOCATION = "smtpeter.storage:migrations"
_LOCK = text("SELECT pg_advisory_xact_lock(7368770)")


def upgrade(url: str, revision: str = "head") -> str:
    """
    Run the migrations that are missing; a new SQLite file is readable by its owner only.

    @return: the revision that the database has now.
    @raise SchemaNewer: it is newer than this version.
    @raise sqlalchemy.exc.OperationalError: it cannot be reached or written.
    """
    if is_missing(url):
        os.close(os.open(str(make_url(url).database), os.O_CREAT | os.O_WRONLY, 0o600))
    with connected(url) as connection:
        return upgrade_connection(connection, revision)


def upgrade_connection(connection: Connection, revision: str = "head") -> str:
    """The same in a transaction of the caller's."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    found = revision_of(connection)
    if found is not None and found not in known_revisions():
        raise made_by_newer(found)
    _migrate(connection, revision)
    return str(revision_of(connection))


def _migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)

    def steps(found: Any, _context: Any) -> Any:
        return scripts._upgrade_revs(revision, found)

    with EnvironmentContext(config, scripts, fn=steps, destination_rev=revision):
        scripts.run_env()
