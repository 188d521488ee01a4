"""Runs the steps on the connection that `benchmark.web.database` has open."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
