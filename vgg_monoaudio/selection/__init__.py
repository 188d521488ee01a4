"""Which clips: candidates of both datasets, evidence, decisions, and the lists of sources they end in."""
