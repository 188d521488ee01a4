"""Measurements: `make bench`. Each yields figures of two ways to do the same work on the machine at hand."""
