"""Measurements: `make bench`. They print ratios of two ways to do the same work on the machine at hand."""
