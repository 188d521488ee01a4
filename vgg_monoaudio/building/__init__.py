"""From clips to a benchmark directory: composed scenes or single clips, their records, their check."""
