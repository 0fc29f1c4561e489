"""
The tables of data requests: who asked about which address, and the answer in parts.

C{node} and C{held_until} say which server gathers; an inquiry whose holder has fallen silent is anybody's. C{tell_at}
says when the monitor of an answer is told next; there is neither when it was told.
"""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from smtpeter.storage.table_kinds import metadata

inquiries = Table(
    "inquiries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ready_at", Double),
    Column("stage", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("node", Text),
    Column("held_until", Double),
    Column("monitor", Text),
    Column("tell_at", Double),
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("inquiries_answered", "account_id", "ready_at"),
)

IS_OPEN = text("ready_at IS NULL")
"""Literal, since a partial index serves only a query that says the same."""

Index("inquiries_open", inquiries.c.id, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

IS_TO_BE_TOLD = text("tell_at IS NOT NULL")

Index("inquiries_untold", inquiries.c.tell_at, sqlite_where=IS_TO_BE_TOLD, postgresql_where=IS_TO_BE_TOLD)

inquiry_parts = Table(
    "inquiry_parts",
    metadata,
    Column("inquiry_id", ForeignKey("inquiries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
