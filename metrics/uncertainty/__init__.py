"""How sure a score is: resamples, intervals, paired tests."""
