"""Which rows the file is known to tell as the database does."""

import sqlalchemy as sa
from alembic import op

revision = "c002"
down_revision = "c001"


def upgrade() -> None:
    """Add the column; of rows from before nothing is known, so that none of them is taken for removed by hand."""
    op.add_column("kept_row", sa.Column("written", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Forget which."""
    op.drop_column("kept_row", "written")
