"""What tables have in common: how their parts are named, and what kinds of them there are."""

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_have_one_%(column_0_N_name)s",
        "fk": "%(table_name)s_have_%(column_0_name)s",
        "pk": "%(table_name)s_key",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}
