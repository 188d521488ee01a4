"""How the database of the curation page came to its present form, step by step, for Alembic."""
