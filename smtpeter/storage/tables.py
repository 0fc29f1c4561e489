"""
The tables. Migrations make them; a test holds both together.

Times are POSIX seconds, ids are texts in the order of time (L{smtpeter.model.identity}): new rows go to the end.
C{messages} and C{submissions} are small and clustered by id; contents stand apart, so that a scan does not read them.
A message on its fast way (stored claimed, settled final) touches two indices beside its table: C{messages_claimed} and,
once and at its end, that of submissions. The indices of the waiting have only the messages that wait, whatever the
table holds.

Of the events C{event_tags} and C{tag_totals} say again what is asked for by tag, and are written with them; an event
without tags has nothing there.

A content is in C{contents} as it came, or, once it will not be sent any more, in C{packed_contents} without the pieces
that it shares with others (L{smtpeter.storage.packing}).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from smtpeter.storage.image_table import hosted_images as hosted_images
from smtpeter.storage.inquiry_tables import inquiries as inquiries
from smtpeter.storage.inquiry_tables import inquiry_parts as inquiry_parts
from smtpeter.storage.table_kinds import CLUSTERED, NEVER_REUSED, Serial
from smtpeter.storage.table_kinds import metadata as metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("standing", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    **NEVER_REUSED,
)

logins = Table(
    "logins",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("features", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account_id", "name"),
    **NEVER_REUSED,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account_id", "name"),
    **NEVER_REUSED,
)

sender_domains = Table(
    "sender_domains",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False, index=True),
    Column("is_approved", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account_id", "name"),
    **NEVER_REUSED,
)

dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sender_domain_id", ForeignKey("sender_domains.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("domain", Text, nullable=False),
    Column("selector", Text, nullable=False),
    Column("sealed_pem", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("renewed_at", Double, nullable=False),
    Column("commands_seen", BigInteger, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("login_id", Integer),
    Column("source", Text, nullable=False),
    Column("features", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("reverse_path", Text, nullable=False),
    Column("sender_domain", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("ret", Text),
    Column("envid", Text),
    Column("is_utf8", Boolean, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    **CLUSTERED,
)

contents = Table(
    "contents",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("submission_id", Text, nullable=False),
    Column("created_at", Double, nullable=False, index=True),
)

packed_contents = Table(
    "packed_contents",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("form", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("rest", LargeBinary, nullable=False),
)

pieces = Table(
    "pieces",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("form", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

piece_places = Table(
    "piece_places",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("begins_at", Integer, primary_key=True),
    Column("piece_id", ForeignKey("pieces.id"), nullable=False, index=True),
    **CLUSTERED,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("submission_id", Text, nullable=False, index=True),
    Column("account_id", Integer, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("dsn", Text),
    Column("domain", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("next_attempt_at", Double),
    Column("due_at", Double),
    Column("last_reply", Text, nullable=False),
    Column("node", Text),
    Column("epoch", BigInteger),
    **CLUSTERED,
)

IS_WAITING = text("state = 'queued' AND node IS NULL")
"""Literal, since a partial index serves only a query that says the same."""

IS_CLAIMED = text("node IS NOT NULL")

_SAID = (messages.c.state, messages.c.node)
"""The columns of the condition: SQLite reads an index without its table only if they stand in it too."""

for _name, _columns, _condition in (
    ("messages_due", (messages.c.due_at, messages.c.domain, messages.c.account_id, *_SAID), IS_WAITING),
    ("messages_waiting", (messages.c.domain, messages.c.account_id, messages.c.due_at, *_SAID), IS_WAITING),
    ("messages_claimed", (messages.c.node,), IS_CLAIMED),
):
    Index(_name, *_columns, sqlite_where=_condition, postgresql_where=_condition)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("template_id", BigInteger),
    Index("events_by_account", "account_id", "id"),
    Index("events_by_message", "message_id", "id"),
    Index("events_by_recipient", "account_id", "recipient", "at", "id"),
    Index("events_by_type", "account_id", "type", "at", "id"),
    **NEVER_REUSED,
)

HAS_TEMPLATE = text("template_id IS NOT NULL")

Index(
    "events_by_template",
    *(events.c.account_id, events.c.template_id, events.c.at, events.c.id),
    sqlite_where=HAS_TEMPLATE,
    postgresql_where=HAS_TEMPLATE,
)

event_tags = Table(
    "event_tags",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("at", Double, primary_key=True),
    Column("event_id", BigInteger, primary_key=True),
    **CLUSTERED,
)

tag_totals = Table(
    "tag_totals",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    Column("all_opens", BigInteger, nullable=False),
    Column("unique_opens", BigInteger, nullable=False),
    Column("all_clicks", BigInteger, nullable=False),
    Column("unique_clicks", BigInteger, nullable=False),
    Index("tag_totals_by_last", "account_id", "last_at"),
    **CLUSTERED,
)

returns = Table(
    "returns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_id", Text, index=True),
    Column("recipient", Text, nullable=False),
    Column("reverse_path", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("message_id", Text),
    Column("destination", Text),
    Column("account_id", Integer),
    Column("created_at", Double, nullable=False),
    **NEVER_REUSED,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("message_id", Text),
    Column("description", Text, nullable=False),
    **CLUSTERED,
)
