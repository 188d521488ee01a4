"""Runs the steps on the connection that `benchmark.web.database` has opened; alembic executes this file."""

from alembic import context

if hasattr(context, "config"):  # not where the file is merely imported
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()
