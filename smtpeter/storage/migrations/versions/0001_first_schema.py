"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'queued' AND node IS NULL")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CLAIMED = sa.text("node IS NOT NULL")


def upgrade() -> None:
    """Make all tables."""
    _make_accounts()
    _make_sender_domains()
    _make_submissions()
    _make_messages()
    _make_journal()
    _make_queue()


def _make_accounts() -> None:
    """Accounts and their logins."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("accounts_key")),
        sa.UniqueConstraint("name", name=op.f("accounts_have_one_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "logins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("features", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("logins_have_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("logins_key")),
        sa.UniqueConstraint("account_id", "name", name=op.f("logins_have_one_account_id_name")),
        sa.UniqueConstraint("username", name=op.f("logins_have_one_username")),
        sqlite_autoincrement=True,
    )


def _make_sender_domains() -> None:
    """Sender domains and their keys."""
    op.create_table(
        "sender_domains",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("sender_domains_have_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("sender_domains_key")),
        sa.UniqueConstraint("account_id", "name", name=op.f("sender_domains_have_one_account_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("sender_domains_by_name"), "sender_domains", ["name"])
    op.create_table(
        "dkim_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sender_domain_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("sealed_pem", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sender_domain_id"],
            ["sender_domains.id"],
            name=op.f("dkim_keys_have_sender_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dkim_keys_key")),
    )
    op.create_index(op.f("dkim_keys_by_sender_domain_id"), "dkim_keys", ["sender_domain_id"])


def _make_submissions() -> None:
    """What was accepted, the contents apart."""
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("login_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("features", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("sender_domain", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("ret", sa.Text(), nullable=True),
        sa.Column("envid", sa.Text(), nullable=True),
        sa.Column("is_utf8", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("submissions_key")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contents",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("contents_key")),
    )


def _make_messages() -> None:
    """Messages, and the indices of those that wait or are claimed."""
    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("dsn", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("next_attempt_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("messages_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("messages_claimed", "messages", ["node"], sqlite_where=_CLAIMED, postgresql_where=_CLAIMED)
    op.create_index(
        "messages_due",
        "messages",
        ["due_at", "domain", "account_id", "state", "node"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "messages_waiting",
        "messages",
        ["domain", "account_id", "due_at", "state", "node"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )


def _make_journal() -> None:
    """Events and mail that came back."""
    op.create_table(
        "events",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("events_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_account", "events", ["account_id", "id"])
    op.create_index("events_by_message", "events", ["message_id", "id"])
    op.create_table(
        "returns",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("returns_key")),
    )
    op.create_index(op.f("returns_by_message_id"), "returns", ["message_id"])


def _make_queue() -> None:
    """Nodes and commands."""
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.Double(), nullable=False),
        sa.Column("commands_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("nodes_key")),
    )
    op.create_table(
        "commands",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("commands_key")),
        sqlite_autoincrement=True,
    )
