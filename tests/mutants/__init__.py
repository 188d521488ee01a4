"""Planted faults: each is one wrong line of the product, and names the test that must fail with it."""
