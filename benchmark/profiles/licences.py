"""Under which licences the weights are that scored a run."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.profiles.everywhere import AUDIO, PackageRow
from benchmark.profiles.judged import BACKBONE as JUDGE
from foundation import checkpoints
from metrics.backbones import BACKBONES


def licences_of(backbones: Iterable[str]) -> dict[str, str]:
    """Return the licence of the weights of each backbone, in alphabetical order.

    Args:
        backbones: names, as a run's record has them; those without weights are left out.

    Returns:
        From the name that the table of checkpoints has for the weights, or the name of the package or the program that
        brings them.
    """
    wanted = set(backbones)
    brought = {row.name.partition(".")[0]: row.licence for row in AUDIO if isinstance(row, PackageRow)}
    files = {row.checkpoint for name, row in BACKBONES.items() if name in wanted and row.checkpoint}
    found = {name: licence for name, licence in brought.items() if name in wanted}
    found |= {file: checkpoints.get(file).licence for file in files}
    if JUDGE in wanted:
        from baselines.programs.judging import judge_class

        found[JUDGE] = judge_class().recipe.licence
    return dict(sorted(found.items()))
