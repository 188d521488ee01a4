"""Training of SELVA: both stages, from a store of clips to the two files that the model loads.

Importing it needs nothing that inference does not; what the extra `train` adds is imported where it is used.
"""
