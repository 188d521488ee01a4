"""How many clips each step from all clips to those of a benchmark left, how many it dropped, and why.

A funnel is a table with `candidates.FUNNEL_COLUMNS`, one row per stage. It is kept next to the table that a step writes
(`candidates.csv`, `candidates.funnel.csv`) and ends in `benchmark.json`, where a build writes it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from foundation.files import PathLike, replacing
from foundation.text import read_text
from vgg_monoaudio.dataset import Benchmark, load_benchmark
from vgg_monoaudio.record import StageRecord, finished_stages, write_record
from vgg_monoaudio.selection.candidates import FUNNEL_COLUMNS
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.rule_r2 import eligible, with_agreement


def funnel_path(table: PathLike) -> Path:
    """Return where the funnel of a table is kept: next to it."""
    return Path(table).with_suffix(".funnel.csv")


def first_stage(stage: str, clips: int) -> pd.DataFrame:
    """Return a funnel of one stage."""
    return pd.DataFrame([(stage, clips, 0, "")], columns=pd.Index(list(FUNNEL_COLUMNS))).astype(FUNNEL_COLUMNS)


def add_stage(funnel: pd.DataFrame, stage: str, clips: int, why: str) -> pd.DataFrame:
    """Return the funnel with one more stage, which left `clips` of the clips before.

    Args:
        funnel: at least one stage.
        stage: what it is called.
        clips: how many it left.
        why: what it drops.

    Raises:
        ValueError: the stage is there already, or it left more clips than there were.
    """
    before = int(funnel["clips"].iloc[-1])
    if clips > before:
        raise ValueError(f"funnel: stage {stage!r} has {clips} clips, the stage before has {before}")
    if stage in set(funnel["stage"]):
        raise ValueError(f"funnel: stage {stage!r} is there already")
    row = first_stage(stage, clips).assign(dropped=before - clips, why=why)
    return pd.concat([funnel, row], ignore_index=True).astype(FUNNEL_COLUMNS)


def funnel_of_r1(screened: pd.DataFrame, clips: int) -> pd.DataFrame:
    """Return the stages behind list r1, `lists/r1.funnel.csv`.

    Args:
        screened: `vgg_monoaudio.selection.screening.screen(...)` of all clips.
        clips: how many the list has.
    """
    funnel, proposed = _up_to_proposed(screened), screened[screened["proposed"]]
    return _drawn(funnel, proposed["clip_id"], clips, "r1")


def funnel_of_r2(screened: pd.DataFrame, own_labels: Mapping[str, str], clips: int) -> pd.DataFrame:
    """Return the stages behind the list that ships, `lists/r2.funnel.csv`.

    Args:
        screened: `vgg_monoaudio.selection.screening.screen(...)` of all clips.
        own_labels: VGGSound's label of every clip that is proposed.
        clips: how many the list has.
    """
    candidates = eligible(with_agreement(screened, own_labels))["clip_id"]
    funnel = add_stage(
        _up_to_proposed(screened), "agreed on by VGGSound, or of a label without such a clip", candidates.nunique(),
        "VGGSound's own label is another, and the label has clips on which both agree",
    )  # fmt: skip
    return _drawn(funnel, candidates, clips, "r2")


def _up_to_proposed(screened: pd.DataFrame) -> pd.DataFrame:
    funnel = first_stage(
        "VGGSound test clips to which VGGSounder gives one of the 39 labels", screened["clip_id"].nunique()
    )
    proposed = screened.loc[screened["proposed"], "clip_id"].nunique()
    return add_stage(funnel, "proposed by the screening", proposed, "a criterion is not met, by annotations")


def _drawn(funnel: pd.DataFrame, candidates: pd.Series, clips: int, rule: str) -> pd.DataFrame:
    videos = {split_clip_id(str(clip))[0] for clip in candidates}
    funnel = add_stage(funnel, "one clip a video", len(videos), "another clip of the same video")
    return add_stage(funnel, f"drawn by rule {rule}", clips, "more than the counts of the paper's totals ask for")


def write_funnel(path: PathLike, funnel: pd.DataFrame) -> None:
    """Write a funnel as a CSV file."""
    with replacing(path) as temporary:
        funnel.to_csv(temporary, index=False, lineterminator="\n")


def read_funnel(path: PathLike) -> pd.DataFrame:
    """Return the funnel of a file.

    Raises:
        ValueError: other columns, or numbers that do not add up from stage to stage.
    """
    funnel = pd.read_csv(io.StringIO(read_text(path)), keep_default_na=False)
    if list(funnel.columns) != list(FUNNEL_COLUMNS) or funnel.empty:
        raise ValueError(f"{path}: expected columns {', '.join(FUNNEL_COLUMNS)} and at least one stage")
    funnel = funnel.astype(FUNNEL_COLUMNS)
    steps = funnel["clips"].shift().sub(funnel["clips"]).iloc[1:]
    wrong = steps[steps != funnel["dropped"].iloc[1:]]
    if len(wrong):
        row = funnel.loc[wrong.index[0]]
        raise ValueError(
            f"{path}: stage {row['stage']!r} drops {row['dropped']} clips, the counts say {wrong.iloc[0]:g}"
        )
    return funnel


def as_stages(funnel: pd.DataFrame | None) -> tuple[StageRecord, ...]:
    """Return a funnel as a benchmark's record has it; no stages where there is no funnel."""
    rows = [] if funnel is None else funnel.to_dict("records")
    return tuple(StageRecord.model_validate(row) for row in rows)


def finished_funnel(benchmark: Benchmark, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the funnel that ends with a benchmark's usable clips.

    Args:
        benchmark: a built one.
        before: the stages that led to its list; None where they are not known.

    Raises:
        ValueError: `before` ends with another number of clips than the list has.
    """
    stages = finished_stages(benchmark.record, as_stages(before))
    return pd.DataFrame([stage.content() for stage in stages]).astype(FUNNEL_COLUMNS)


def record_funnel(path: PathLike, before: pd.DataFrame | None = None) -> Benchmark:
    """Write the funnel into a benchmark's `benchmark.json`, under "funnel", and return the benchmark.

    What decides the benchmark's identity (its manifests, its inputs) stays as it is.

    Raises:
        ValueError: see `finished_funnel`.
        vgg_monoaudio.dataset.BenchmarkError: no benchmark at `path`.
    """
    benchmark = load_benchmark(path)
    stages = finished_stages(benchmark.record, as_stages(before))
    if stages == benchmark.record.funnel:
        return benchmark
    write_record(benchmark.path, benchmark.record.model_copy(update={"funnel": stages}))
    return load_benchmark(path)
