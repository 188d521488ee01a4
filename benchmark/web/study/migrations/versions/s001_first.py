"""The first form: raters, what they were given and answered, withdrawals."""

import sqlalchemy as sa
from alembic import op

revision = "s001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "raters",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("arrived_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("consented_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.Column("panel", sa.String, nullable=False),
        sa.Column("panel_id", sa.String, nullable=False),
        sa.Column("panel_study", sa.String, nullable=False),
        sa.Column("panel_session", sa.String, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("headphone_tries", sa.Integer, nullable=False),
        sa.Column("headphones_passed", sa.Boolean),
        sa.Column("questionnaire", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_of_a_panel", "raters", ["panel", "panel_id", "panel_study"], unique=True,
        sqlite_where=sa.text("panel != ''"),
    )  # fmt: skip
    op.create_table(
        "placements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rater_id", sa.Integer, sa.ForeignKey("raters.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("item", sa.String, nullable=False),
        sa.Column("swapped", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("claimed_at", sa.Float, nullable=False),
        sa.Column("started", sa.String, nullable=False),
        sa.Column("starts", sa.String, nullable=False),
        sa.Column("answered_at", sa.Float),
        sa.Column("answers", sa.String, nullable=False),
        sa.Column("plays", sa.String, nullable=False),
        sa.Column("focus_losses", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("one_at_a_place", "placements", ["rater_id", "position"], unique=True)
    op.create_index("by_state", "placements", ["role", "state", "item"])
    op.create_table(
        "withdrawals", sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", sa.Float, nullable=False)
    )


def downgrade() -> None:
    """Refuse: an earlier form could not hold what this one does."""
    raise NotImplementedError("answers.sqlite has no earlier form")
