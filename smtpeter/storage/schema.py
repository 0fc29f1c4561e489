"""
Tells whether a database has the schema of this version.

The migrations are modules of L{smtpeter.storage.migrations.versions}, each named after its revision; their order as
text is their order in time. L{smtpeter.storage.migrating} runs them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, make_url, select

from smtpeter.storage.engines import is_memory, is_sqlite, open_writer

_VERSION = Table("alembic_version", MetaData(), Column("version_num", Text))


class SchemaOutdated(Exception):
    """The database is older than this version (or empty): run C{smtpeter migrate}."""


class SchemaNewer(Exception):
    """The database was migrated by a newer version of SMTPeter: run that one."""


def known_revisions() -> list[str]:
    """All revisions that this version knows, the newest last."""
    names = [entry.name for entry in files("smtpeter.storage.migrations.versions").iterdir()]
    return sorted(name.partition("_")[0] for name in names if name[:1].isdigit() and name.endswith(".py"))


def newest() -> str:
    """The revision that this version has."""
    return known_revisions()[-1]


def current(url: str) -> str | None:
    """
    The revision of a database; C{None} when it has no tables of ours. A missing file is not made.

    @raise sqlalchemy.exc.OperationalError: it cannot be reached.
    """
    if is_missing(url):
        return None
    with connected(url) as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """The same of a connection's database."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


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
    if found in known_revisions():
        raise SchemaOutdated(f"the database has schema {found}, this version {newest()}: run `smtpeter migrate`")
    raise made_by_newer(found)


def made_by_newer(found: str) -> SchemaNewer:
    """What to say of a revision that is not known here."""
    return SchemaNewer(f"the database has schema {found}, which a newer version of SMTPeter made: run that version")


def is_missing(url: str) -> bool:
    """Whether it is an SQLite file that is not there."""
    return is_sqlite(url) and not is_memory(url) and not os.path.exists(str(make_url(url).database))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection in a transaction."""
    engine = open_writer(url)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()
