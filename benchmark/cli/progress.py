"""Progress of the verbs; see `benchmark.progress`."""

from benchmark.progress import progress as progress
