"""Rows of the files of decisions, each with its text."""

import sqlalchemy as sa
from alembic import op

revision = "c001"
down_revision = None


def upgrade() -> None:
    """Make the table of `benchmark.web.curation.rows.KeptRow`."""
    op.create_table(
        "kept_row",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("file", sa.String, nullable=False, index=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("batch", sa.Integer, nullable=True),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Forget all rows; they are in the files."""
    op.drop_table("kept_row")
