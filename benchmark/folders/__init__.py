"""Two folders of sounds, scored without a benchmark: files in, the same metrics by the same road out.

`matching` pairs files by name, `asking` says what can be computed of them, `scoring` runs the profile on them, and
`record` is what comes out. The functions that people call are here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Unpack

from benchmark.folders.record import FoldersRecord
from benchmark.folders.scoring import FolderOptions, record_of_folders
from foundation.files import PathLike

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FolderOptions", "FoldersRecord", "record_of_folders", "score_folders"]

log = logging.getLogger(__name__)


def score_folders(generated: PathLike, reference: PathLike, **how: Unpack[FolderOptions]) -> pd.DataFrame:
    """Return the metrics of a folder of generated sounds against a folder of reference sounds, one row per metric.

    Files are paired by their names without ending. One that lacks its counterpart is left out of every metric and named
    in a warning and in `frame.attrs["failures"]`; `n` of `of` says how many were scored. Where no name is in both
    folders, the two are compared as sets: FAD and KAD have a value, metrics of pairs a reason.

    Args:
        generated: folder of the sounds under test; films with sound will do.
        reference: folder of the sounds that they are compared with.
        how: see `benchmark.folders.scoring.record_of_folders`: video, prompts, profile, metrics, seconds, unpaired, ...

    Returns:
        By metric, as `MetricsRecord.to_frame` has it: label, value (NaN where there is none), low and high (ends of the
        95 % interval), n, of, unit, better, reason (why there is no value, or no interval).

    Raises:
        TypeError: there is no such option.
        ValueError: see `benchmark.folders.scoring.record_of_folders`.

    Examples:
        Three hums against themselves, without weights.

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from foundation import media
        >>> time = np.arange(16_000, dtype=np.float32) / 16_000
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for pitch in (220, 440, 880):
        ...         media.write_audio(Path(folder, f"{pitch}.wav"), np.sin(2 * np.pi * pitch * time), 16_000)
        ...     frame = score_folders(folder, folder, profile="signal", seconds=1, metrics=("fad",), workers=0,
        ...                           cache=Path(folder, "cache"))
        >>> [float(frame.at["fad", column]) for column in ("value", "n", "of")]
        [0.0, 3.0, 3.0]
    """
    record = record_of_folders(generated, reference, **how)
    if record.failures:
        first, reason = next(iter(record.failures.items()))
        log.warning(
            "%d of %d names are not scored, the first: %s: %s",
            len(record.failures), record.counts.expected, first, reason,
        )  # fmt: skip
    return record.to_frame()
