"""Events by recipient, type, template and tag, and the totals of tags."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_HAS_TEMPLATE = sa.text("template_id IS NOT NULL")
_PAGE = 5000
_COUNTS = ("messages", "deliveries", "all_opens", "unique_opens", "all_clicks", "unique_clicks")

_events = sa.table(
    "events", sa.column("id"), sa.column("account_id"), sa.column("at"), sa.column("tags"), sa.column("template_id")
)
_event_tags = sa.table("event_tags", sa.column("account_id"), sa.column("tag"), sa.column("at"), sa.column("event_id"))

_TOTALS = """
INSERT INTO tag_totals
SELECT
    t.account_id, t.tag, min(t.at), max(t.at),
    count(CASE WHEN e.type = 'attempt' THEN 1 END), count(CASE WHEN e.type = 'delivery' THEN 1 END),
    count(CASE WHEN e.type = 'open' THEN 1 END), count(DISTINCT CASE WHEN e.type = 'open' THEN e.message_id END),
    count(CASE WHEN e.type = 'click' THEN 1 END), count(DISTINCT CASE WHEN e.type = 'click' THEN e.message_id END)
FROM event_tags t JOIN events e ON e.id = t.event_id
GROUP BY t.account_id, t.tag
"""


def upgrade() -> None:
    """Make the indices and tables, and fill them from the journal."""
    op.add_column("events", sa.Column("template_id", sa.BigInteger()))
    op.create_index("events_by_recipient", "events", ["account_id", "recipient", "at", "id"])
    op.create_index("events_by_type", "events", ["account_id", "type", "at", "id"])
    op.create_index(
        "events_by_template",
        "events",
        ["account_id", "template_id", "at", "id"],
        sqlite_where=_HAS_TEMPLATE,
        postgresql_where=_HAS_TEMPLATE,
    )
    op.create_table(
        "event_tags",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "tag", "at", "event_id", name=op.f("event_tags_key")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tag_totals",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("account_id", "tag", name=op.f("tag_totals_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("tag_totals_by_last", "tag_totals", ["account_id", "last_at"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """What the journal has already, page by page."""
    newest = 0
    while True:
        query = sa.select(_events).where(_events.c.id > newest, _events.c.tags != "")
        page = connection.execute(query.order_by(_events.c.id).limit(_PAGE)).all()
        if not page:
            break
        newest = page[-1].id
        rows = [row for event in page for row in _rows(event)]
        if rows:
            connection.execute(sa.insert(_event_tags), rows)
    connection.execute(sa.text(_TOTALS))


def _rows(event: Any) -> list[dict[str, Any]]:
    """One for each of its tags that every database takes."""
    return [
        {"account_id": event.account_id, "tag": tag, "at": event.at, "event_id": event.id}
        for tag in dict.fromkeys(json.loads(event.tags))
        if "\0" not in tag and not any("\ud800" <= character <= "\udfff" for character in tag)
    ]
