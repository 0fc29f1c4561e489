"""
The tables of data requests: who asked about which address, and the answer in parts.

C{node} and C{held_until} say which server gathers; an inquiry whose holder has fallen silent is anybody's.
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
    Index("inquiries_answered", "account_id", "ready_at"),
)

IS_OPEN = text("ready_at IS NULL")
"""Literal, since a partial index serves only a query that says the same."""

Index("inquiries_open", inquiries.c.id, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

inquiry_parts = Table(
    "inquiry_parts",
    metadata,
    Column("inquiry_id", ForeignKey("inquiries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
