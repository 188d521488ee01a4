"""The ground floor: files, work, names, media and checkpoints. It imports nothing of ours; every room stands on it."""
