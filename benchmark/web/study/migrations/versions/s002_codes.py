"""Raters are found by their deletion codes, and those who never began by when they came."""

import sqlalchemy as sa
from alembic import op

revision = "s002"
down_revision = "s001"


def upgrade() -> None:
    """Add the mark of the code, which is filled in when the study is opened: only then is its secret known."""
    op.add_column("raters", sa.Column("code_mark", sa.String, nullable=False, server_default=""))
    op.create_index("by_code", "raters", ["code_mark"])
    op.create_index("by_step", "raters", ["step", "arrived_at"])


def downgrade() -> None:
    """Refuse: an earlier version would add raters without a mark."""
    raise NotImplementedError("answers.sqlite is not brought back to an earlier form")
