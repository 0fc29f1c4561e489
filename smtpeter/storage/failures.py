"""Tells what a failure of the database means to those who asked something of it."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from smtpeter.boundaries.storage import StorageBusy, StorageFull

_FULL_SQLSTATE = "53100"

_FAILING_SQLSTATES = ("25006", "XX")
"""A standby that takes no writes, and internal errors such as corruption: the driver calls neither operational."""

_COLLISION_SQLSTATES = frozenset({"40001", "40P01"})

_FAILING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes that blame the database and not the statement."""


class CommitInDoubt(StorageBusy):
    """
    The connection was lost while a commit was under way: it may have happened or not.

    @ivar result: what the operation had returned, in case it did.
    """

    def __init__(self, message: str, result: object) -> None:
        super().__init__(message)
        self.result = result


def translate(failure: BaseException) -> BaseException:
    """
    What a failure is called beyond this package.

    @return: L{StorageFull} or L{StorageBusy} when the database is at fault; anything else as it is.
    """
    if isinstance(failure, PoolTimeout):
        return _because(StorageBusy("no connection is free"), failure)
    if not isinstance(failure, SQLAlchemyError) or isinstance(failure, IntegrityError):
        return failure
    if not isinstance(failure, DBAPIError):
        return failure
    if _is_full(failure):
        return _because(StorageFull(_said(failure)), failure)
    if _is_failing(failure):
        return _because(StorageBusy(_said(failure)), failure)
    return failure


def in_doubt(failure: DBAPIError, result: object) -> CommitInDoubt:
    """What a commit without an answer is called beyond this package."""
    doubt = CommitInDoubt(_said(failure), result)
    doubt.__cause__ = failure
    return doubt


def _said(failure: DBAPIError) -> str:
    """In one line, which PostgreSQL's are not."""
    return " ".join(str(failure.orig).split())


def _because(failure: StorageBusy, cause: BaseException) -> StorageBusy:
    failure.__cause__ = cause
    return failure


def _is_full(failure: DBAPIError) -> bool:
    code = getattr(failure.orig, "sqlite_errorcode", None)
    if code is not None:
        return bool(code & 0xFF == sqlite3.SQLITE_FULL)
    return getattr(failure.orig, "sqlstate", None) == _FULL_SQLSTATE


def _is_failing(failure: DBAPIError) -> bool:
    if isinstance(failure.orig, sqlite3.Error):
        code = getattr(failure.orig, "sqlite_errorcode", None)
        if code is None:
            return "closed" in str(failure.orig)
        return code & 0xFF in _FAILING
    state = getattr(failure.orig, "sqlstate", None) or ""
    is_fault = state.startswith(_FAILING_SQLSTATES)
    return is_fault or failure.connection_invalidated or isinstance(failure, OperationalError | InterfaceError)


def is_collision(failure: DBAPIError) -> bool:
    """Whether transactions stood in each other's way (a deadlock): this one was undone and may be run again."""
    return getattr(failure.orig, "sqlstate", None) in _COLLISION_SQLSTATES


def is_duplicate(failure: IntegrityError) -> bool:
    """Whether it was a unique constraint that refused."""
    names = (getattr(failure.orig, "sqlite_errorname", None), getattr(failure.orig, "sqlstate", None))
    return bool({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"}.intersection(names))
