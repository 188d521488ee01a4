"""A file of settings to begin with: every key with what it means, and the finished runs that were found."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.web.study.choosing import Run
from benchmark.web.study.settings import LANGUAGE
from benchmark.web.study.texts import TEXTS_FILES, default_criteria, default_texts, known_languages

_SAMPLES = 20  # of each subset, where there are so many

_TEMPLATE = """\
# A human study. `python -m benchmark study create THIS_FILE` makes its folder, `study serve FOLDER` shows it to raters.

name = "first-study"                   # of the folder
title = "Which sound fits?"            # on every page
language = {language:<27} # of the pages; `study create --example FILE --language de` writes their sentences
direction = "ltr"                      # or "rtl": the language is written from the right
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
We keep your answers and when you gave them, how often you played a clip, whether you left the page while one played,
and what you reported of clips. We keep when you came, agreed and finished, the size of your window, whether your device
passed the sound check, and what you write at the end. We keep no name, no address, and nothing else of your device.

If a panel sent you, we keep its id of you until you are paid. With the code at the end you can have all of it deleted.
\"\"\"
completion_code = ""                   # shown at the end
completion_url = ""                    # Prolific: "https://app.prolific.com/submissions/complete?cc=CODE"

[[questionnaire]]
id = "remarks"
question = "Is there anything you would like to tell us?"
kind = "text"                          # or "number", or "choice" with options = ["...", "..."]
required = false

{worded}"""

_ENGLISH = """\
# What is asked: audio quality (AQ), text and sound (TA), picture and sound (VA). Criteria given here replace all three.
# The last three keys are the tutorial's; a criterion without them has no examples there.
# [criteria.Q]
# name = "Quality"
# question = "How good is the sound?"
# words = ["Bad", "Poor", "Fair", "Good", "Excellent"]
# good = "The sound is clear."          # said to good examples, which have the target's own sound
# bad = "The sound is noisy."           # said to bad ones
# bad_example = "noisy"                 # how these are made: "noisy", "paired" (the other's sound) or "shifted" (late)

# Other words for any sentence of the pages, by page and key; {files} have them all:
# [texts.consent]
# title = "Welcome"
"""

_TO_TRANSLATE = """\
# Everything that the pages say, in English, to be translated here; the texts above are to be translated too. Words in
# braces stay as they are. Prompts (what a clip should sound like) are shown as the benchmark has them.

# What is asked; five words for the five points, the worst first. bad_example is how bad examples are made, no sentence.
{tables}"""


def example_settings(runs: Sequence[Run], folder: Path, language: str = "en") -> str:
    """Return a file of settings as text, ready to use; with every sentence to translate in a language without its own.

    Args:
        runs: at least one finished run, as `choosing.finished_runs` finds them.
        folder: where the file is to be; runs with relative paths are named as they are seen from there.
        language: of the pages.

    Raises:
        ValueError: the language is no tag of one.
    """
    if not re.fullmatch(LANGUAGE, language):
        raise ValueError(f"--language: expected a tag such as de or pt-BR, got {language!r}")
    lines = "".join(f"  {json.dumps(_seen_from(folder, run.directory.path), ensure_ascii=False)},\n" for run in runs)
    subsets = dict.fromkeys(run.record.benchmark.subset for run in runs)
    samples = min([_SAMPLES, *(run.record.counts.generated for run in runs)])
    if language in known_languages():
        worded = _ENGLISH.format(files=" and ".join(f"benchmark/web/study/texts/{name}" for name in TEXTS_FILES))
    else:
        worded = _TO_TRANSLATE.format(tables="\n".join(_tables()))
    return _TEMPLATE.format(
        runs=lines, subsets=", ".join(map(json.dumps, subsets)), samples=samples, language=json.dumps(language),
        worded=worded,
    )  # fmt: skip


def _tables() -> Iterator[str]:
    """Yield every criterion and every page's sentences as a table of TOML."""
    for name, criterion in default_criteria().items():
        yield _table(f"criteria.{name}", criterion.content())
    for page, sentences in default_texts().items():
        yield _table(f"texts.{page}", sentences)


def _table(name: str, content: Mapping[str, object]) -> str:
    # Texts and lists of texts are written alike in JSON and in TOML.
    return "\n".join(
        [f"[{name}]", *(f"{key} = {json.dumps(of, ensure_ascii=False)}" for key, of in content.items()), ""]
    )


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
