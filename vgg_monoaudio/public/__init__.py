"""Benchmarks of others, and lists of one's own: a row each in `catalogue`, and a reader of the files on the disk."""
