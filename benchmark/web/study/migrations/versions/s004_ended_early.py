"""Raters whose clips failed may end before they have judged all."""

import sqlalchemy as sa
from alembic import op

revision = "s004"
down_revision = "s003"


def upgrade() -> None:
    """Add whether they did: of those who came so far nobody."""
    op.add_column("raters", sa.Column("ended_early", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Refuse: an earlier version would take them for raters who judged all."""
    raise NotImplementedError("answers.sqlite is not brought back to an earlier form")
