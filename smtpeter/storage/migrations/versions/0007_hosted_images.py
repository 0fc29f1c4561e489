"""Images that mail shows without having them in it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what is stored stays where it is."""
    op.create_table(
        "hosted_images",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.Double(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("hosted_images_key")),
    )
    op.create_index(op.f("hosted_images_by_kept_at"), "hosted_images", ["kept_at"])
