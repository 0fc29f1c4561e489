"""Monitors of data requests: who is told an answer, and when it is tried next."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IS_TO_BE_TOLD = sa.text("tell_at IS NOT NULL")


def upgrade() -> None:
    """Add the columns; earlier data requests have no monitor."""
    op.add_column("inquiries", sa.Column("monitor", sa.Text()))
    op.add_column("inquiries", sa.Column("tell_at", sa.Double()))
    op.add_column("inquiries", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "inquiries_untold", "inquiries", ["tell_at"], sqlite_where=_IS_TO_BE_TOLD, postgresql_where=_IS_TO_BE_TOLD
    )
