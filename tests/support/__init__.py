"""What several test files share: seeded weights, stand-in programs and models, a small world of runs."""
