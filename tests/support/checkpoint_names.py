"""Files with the official names of weights and nothing in them, for networks that stand-ins replace."""

from collections.abc import Sequence
from pathlib import Path

from foundation.checkpoints import CHECKPOINTS, PAPER_PROFILE


def empty_weights(folder: Path, only: Sequence[str] = ()) -> Path:
    """Write a file for each checkpoint of profile paper, or for these; return the folder."""
    for name in only or PAPER_PROFILE:
        path = folder / CHECKPOINTS[name].filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder
