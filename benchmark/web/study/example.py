"""A file of settings to begin with: every key with what it means, and the finished runs that were found."""

from __future__ import annotations

import json
import os.path
from collections.abc import Sequence
from pathlib import Path

from benchmark.web.study.choosing import Run

_SAMPLES = 20  # of each subset, where there are so many

_TEMPLATE = """\
# A human study. `python -m benchmark study create THIS_FILE` makes its folder, `study serve FOLDER` shows it to raters.

name = "first-study"                   # of the folder
title = "Which sound fits?"            # on every page
language = "en"                        # of the pages; for another one give its sentences in [texts.PAGE]
direction = "ltr"                      # or "rtl"
form = "rating"                        # five points on each scale; or "preference": two answers side by side

# One run of each model for each subset; paths are seen from the folder of this file.
runs = [
{runs}]
subsets = [{subsets}]                     # empty: those of the runs
samples = {samples:<28} # of each subset, balanced over categories; or a list of ids
raters_per_item = 5                    # answers that each clip is to have
items_per_rater = 20                   # or, in its place: minutes_per_rater = 15
repeats = 1                            # clips that a rater judges twice, to see how steady the answers are
attention = 2                          # clips that say what to choose, to see who reads
claim_minutes = 20                     # a clip is held so long for a rater who shows no sign of life
loudness = "as-is"                     # or "equal": every clip brought to one loudness
headphone_check = "warn"               # true: who fails may not take part; "warn": it is on record; false: none
headphone_tries = 2
tutorial = true                        # two good and two bad examples of each criterion, from the benchmark's own clips
seed = 0                               # decides every draw

consent = \"\"\"
You will watch short clips and judge their sound. Taking part is voluntary; you can stop at any time, without a reason.

Some sounds may be unpleasant. Set the volume with care.
\"\"\"
contact = "Name, institute, name@example.org"
data_kept = \"\"\"
We keep your answers, when you gave them, the size of your window and whether your device passed the sound check.

If a panel sent you, we keep its id of you until you are paid. With the code at the end you can have all of it deleted.
\"\"\"
completion_code = ""                   # shown at the end
completion_url = ""                    # Prolific: "https://app.prolific.com/submissions/complete?cc=CODE"

[[questionnaire]]
id = "remarks"
question = "Is there anything you would like to tell us?"
kind = "text"                          # or "number", or "choice" with options = ["...", "..."]
required = false

# Other criteria than audio quality (AQ), text and sound (TA), picture and sound (VA), each with five words:
# [criteria.Q]
# name = "Quality"
# question = "How good is the sound?"
# words = ["Bad", "Poor", "Fair", "Good", "Excellent"]

# Other words for any sentence of the pages, by page and key (benchmark/web/study/texts/en.toml has them all):
# [texts.consent]
# title = "Welcome"
"""


def example_settings(runs: Sequence[Run], folder: Path) -> str:
    """Return a file of settings as text, ready to use.

    Args:
        runs: at least one finished run, as `choosing.finished_runs` finds them.
        folder: where the file is to be; runs with relative paths are named as they are seen from there.
    """
    lines = "".join(f"  {json.dumps(_seen_from(folder, run.directory.path), ensure_ascii=False)},\n" for run in runs)
    subsets = dict.fromkeys(run.record.benchmark.subset for run in runs)
    samples = min([_SAMPLES, *(run.record.counts.generated for run in runs)])
    return _TEMPLATE.format(runs=lines, subsets=", ".join(map(json.dumps, subsets)), samples=samples)


def _seen_from(folder: Path, run: Path) -> str:
    return str(run) if run.is_absolute() else os.path.relpath(run.resolve(), folder.resolve())


def usable_together(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of the benchmark that most of them are of, and of models that have a run of each subset there."""
    by_benchmark: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        record = run.record.benchmark
        by_benchmark.setdefault((record.name, record.version), []).append(run)
    chosen = max(by_benchmark.values(), key=len, default=[])
    subsets = {run.record.benchmark.subset for run in chosen}
    of = {run.model: {other.record.benchmark.subset for other in chosen if other.model == run.model} for run in chosen}
    return [run for run in chosen if of[run.model] == subsets]
