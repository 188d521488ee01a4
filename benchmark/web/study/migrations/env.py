"""Runs the steps on the connection that `benchmark.web.database` has opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
