"""The only place that locates, downloads, verifies and opens weights.

Nothing is fetched unless `download` is called, and nothing of this project is imported: every package may use this one.
"""

from foundation.checkpoints.files import (
    WEIGHTS_VARIABLE,
    Digests,
    Located,
    MissingCheckpoint,
    State,
    WrongCheckpoint,
    digests,
    find,
    locate,
    located,
    open_state_dict,
    state,
    verify,
    weights_folder,
)
from foundation.checkpoints.options import WeightOptions
from foundation.checkpoints.table import CHECKPOINTS, EXTENDED_METRICS, OPEN_PROFILE, PAPER_PROFILE, Checkpoint, get
from foundation.checkpoints.transfer import DownloadFailed, Progress, download

__all__ = [
    "CHECKPOINTS",
    "EXTENDED_METRICS",
    "OPEN_PROFILE",
    "PAPER_PROFILE",
    "WEIGHTS_VARIABLE",
    "Checkpoint",
    "Digests",
    "DownloadFailed",
    "Located",
    "MissingCheckpoint",
    "Progress",
    "State",
    "WeightOptions",
    "WrongCheckpoint",
    "digests",
    "download",
    "find",
    "get",
    "locate",
    "located",
    "open_state_dict",
    "state",
    "verify",
    "weights_folder",
]
