"""Models that are programs or services of other people: each driven where it is installed, never imported."""
