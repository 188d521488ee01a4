"""The database knows with which secret the study has signed."""

import sqlalchemy as sa
from alembic import op

revision = "s003"
down_revision = "s002"


def upgrade() -> None:
    """Add the table; its row is written when the study is opened."""
    op.create_table(
        "seals", sa.Column("id", sa.Integer, primary_key=True), sa.Column("mark", sa.String, nullable=False)
    )


def downgrade() -> None:
    """Refuse: an earlier version would take any secret."""
    raise NotImplementedError("answers.sqlite is not brought back to an earlier form")
