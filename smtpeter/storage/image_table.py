"""The table of hosted images, one of L{smtpeter.storage.tables}."""

from sqlalchemy import Column, Double, Integer, LargeBinary, Table, Text

from smtpeter.storage.table_kinds import metadata

hosted_images = Table(
    "hosted_images",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("kept_at", Double, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
)
