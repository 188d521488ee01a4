"""From candidates through evidence and decisions to a list of sources that `build` takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foundation.files import PathLike, replacing
from vgg_monoaudio.selection.decisions import Applied, Decision, apply_decisions, automatic_decisions, read_decisions
from vgg_monoaudio.taxonomy import label_from

LIST_COLUMNS = ["clip_id", "label", "category", "start_seconds", "reviewers"]


@dataclass(frozen=True)
class Screened:
    """The evidence on candidates.

    Attributes:
        rows: of the screening, those about a candidate under a label that one of the two datasets gives it.
        without: candidates about which there is none, columns clip_id, reason.
    """

    rows: pd.DataFrame
    without: pd.DataFrame


def screen_candidates(screened: pd.DataFrame, candidates: pd.DataFrame) -> Screened:
    """Return the part of a screening that is about candidates and the labels that come into question for them.

    Args:
        screened: `vgg_monoaudio.selection.screening.screen(...)`, of all clips.
        candidates: `vgg_monoaudio.selection.candidates.find_candidates(...).clips`; of a clip whose datasets differ,
            the labels of both come into question.
    """
    asked = pd.DataFrame(
        [
            (row["clip_id"], label)
            for row in candidates.to_dict("records")
            for label in _labels_in_question(str(row["vggsound"]), str(row["unav100"]))
        ],
        columns=pd.Index(["clip_id", "label"]),
    )
    rows = screened.merge(asked, on=["clip_id", "label"], how="inner")
    labels = asked.groupby("clip_id")["label"].agg(", ".join)
    without = [
        (clip, f"VGGSounder does not give the label {labels[clip]}")
        for clip in sorted(set(asked["clip_id"]) - set(rows["clip_id"]))
    ]
    return Screened(rows, pd.DataFrame(without, columns=pd.Index(["clip_id", "reason"]), dtype="str"))


def new_automatic_decisions(
    screened: pd.DataFrame, earlier: Iterable[Decision], *, label_version: str, time: str
) -> list[Decision]:
    """Return the automatic decisions that `earlier` does not hold yet, so that filling a file twice changes nothing.

    Args:
        screened: what is to be decided.
        earlier: decisions that are there.
        label_version: of VGGSounder.
        time: ISO 8601, the same for all; it does not make a decision a new one.
    """
    known = {_without_time(decision) for decision in earlier}
    made = automatic_decisions(screened, label_version=label_version, time=time)
    return [decision for decision in made if _without_time(decision) not in known]


def source_list(applied: Applied) -> pd.DataFrame:
    """Return the accepted clips as a list of sources: `LIST_COLUMNS`, sorted by clip id.

    `start_seconds` is where the 8 s begin within the clip; `reviewers` says who accepted it ("auto:..." is a program).
    """
    return applied.sources.rename(columns={"start_offset_seconds": "start_seconds"})[LIST_COLUMNS]


def write_source_list(path: PathLike, sources: pd.DataFrame) -> None:
    """Write a list of sources as a CSV file that `build --labels` takes.

    Raises:
        ValueError: the list is empty.
    """
    if sources.empty:
        raise ValueError(f"{path}: no clip is accepted, so there is no list to write")
    with replacing(path) as temporary:
        sources.to_csv(temporary, index=False, lineterminator="\n")


def read_curations(paths: Sequence[PathLike]) -> list[Decision]:
    """Return the decisions of several files, one reviewer's or one machine's each, in the order of the files.

    Raises:
        ValueError: a file is not there, or given twice.
        vgg_monoaudio.selection.decisions.BadCuration: a malformed file.
    """
    files = [Path(path) for path in paths]
    decisions: list[Decision] = []
    for place, file in enumerate(files):
        if not file.is_file():
            raise ValueError(f"{file}: no such file of decisions; `curate --auto` makes one from the screening")
        if file.resolve() in {other.resolve() for other in files[:place]}:
            raise ValueError(f"{file}: given twice")
        decisions += read_decisions(file)
    return decisions


def sources_of_curation(path: PathLike) -> pd.DataFrame:
    """Return the list of sources that a file of decisions amounts to, as `source_list` does."""
    return source_list(apply_decisions(read_curations([path])))


def _labels_in_question(vggsound: str, unav100: str) -> list[str]:
    labels = [label_from("vggsound", vggsound), label_from("unav100", unav100)]
    return list(dict.fromkeys(label for label in labels if label is not None))


def _without_time(decision: Decision) -> tuple[object, ...]:
    return (
        decision.clip_id, decision.single_source, decision.visible, decision.label_matches, decision.label,
        decision.start_offset_seconds, decision.reviewer, decision.note,
    )  # fmt: skip
