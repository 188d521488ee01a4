"""Measures that break inputs on purpose; run by hand or by the slow tests."""
