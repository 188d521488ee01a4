"""Scripts that are run by the interpreters of other programs, and never imported here."""
