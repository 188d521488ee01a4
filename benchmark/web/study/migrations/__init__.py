"""How the form of `answers.sqlite` came to be what it is, step by step (Alembic)."""
