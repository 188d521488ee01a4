"""What reviewers are to look at: candidate clips, the labels that come into question, and the evidence on each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from foundation.files import PathLike
from foundation.names import joined
from foundation.text import read_text
from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.decision_files import is_blank, yes_or_no
from vgg_monoaudio.selection.decisions import CRITERIA
from vgg_monoaudio.taxonomy import Dataset, category_of, label_from

SCREENED_COLUMNS = (
    "clip_id", "label", "category", *CRITERIA, "proposed", "other_sounds", "silent_objects", "evidence"
)  # fmt: skip

_DATASETS: tuple[tuple[str, Dataset], ...] = (("VGGSound", "vggsound"), ("UnAV-100", "unav100"))  # name, column


class BadQueue(ValueError):
    """A table that is not what `candidates` or `screen` writes; the message names the file, and the line."""


@dataclass(frozen=True)
class Evidence:
    """What the screening found about a clip under one label.

    Attributes:
        label: one of the 39.
        single_source: whether annotators found a single source; as the other two, for people to compare with.
        visible: whether they saw it.
        label_matches: whether they heard the label.
        proposed: all three.
        text: one sentence that says why.
    """

    label: str
    single_source: bool
    visible: bool
    label_matches: bool
    proposed: bool
    text: str


@dataclass(frozen=True)
class LabelInQuestion:
    """A label of the 39 that a dataset gives to a clip.

    Attributes:
        label: one of the 39.
        given_by: such as "VGGSound and UnAV-100".
    """

    label: str
    given_by: str


@dataclass(frozen=True)
class QueuedClip:
    """A candidate clip.

    Attributes:
        clip_id: as VGGSound names it.
        classes: each dataset's class in its own spelling, such as ("VGGSound", "dog barking").
        labels: those of the 39 that come into question, without repetition.
        evidence: of the screening, a label each.
    """

    clip_id: str
    classes: tuple[tuple[str, str], ...]
    labels: tuple[LabelInQuestion, ...]
    evidence: tuple[Evidence, ...] = ()


def read_queue(path: PathLike, screened: PathLike | None = None) -> list[QueuedClip]:
    """Return the clips of a table that `candidates` or `screen` wrote, in its order, each once.

    Args:
        path: the table.
        screened: what `screen` wrote, where `path` is what `candidates` wrote; its evidence is put beside the clips.

    Raises:
        BadQueue: another table, no clip in it, or a row that is malformed.
    """
    header, rows = _table(path, tuple(CANDIDATE_COLUMNS), SCREENED_COLUMNS)
    clips = [_candidate(row) for row in rows] if header == tuple(CANDIDATE_COLUMNS) else _screened(path, rows)
    if screened is not None:
        clips = _beside(clips, screened)
    if not clips:
        raise BadQueue(f"{path}: no clip in it")
    return list({clip.clip_id: clip for clip in reversed(clips)}.values())[::-1]


def _beside(clips: Sequence[QueuedClip], screened: PathLike) -> list[QueuedClip]:
    _, rows = _table(screened, SCREENED_COLUMNS)
    evidence = {clip.clip_id: clip.evidence for clip in _screened(screened, rows)}
    return [replace(clip, evidence=evidence.get(clip.clip_id, clip.evidence)) for clip in clips]


def _candidate(row: Mapping[str, str]) -> QueuedClip:
    classes = tuple((dataset, row[column]) for dataset, column in _DATASETS)
    givers: dict[str, list[str]] = {}
    for dataset, column in _DATASETS:
        label = label_from(column, row[column])
        if label is not None:
            givers.setdefault(label, []).append(dataset)
    labels = tuple(LabelInQuestion(label, joined(datasets, "and")) for label, datasets in givers.items())
    return QueuedClip(row["clip_id"], classes, labels)


def _screened(path: PathLike, rows: Sequence[Mapping[str, str]]) -> list[QueuedClip]:
    evidence: dict[str, list[Evidence]] = {}
    for number, row in enumerate(rows, 1):
        try:
            category_of(row["label"])
            single_source, visible, label_matches, proposed = (_flag(row, name) for name in (*CRITERIA, "proposed"))
            found = Evidence(row["label"], single_source, visible, label_matches, proposed, row["evidence"])
        except ValueError as error:
            raise BadQueue(f"{path}: row {number}: {error}") from error
        evidence.setdefault(row["clip_id"], []).append(found)
    return [
        QueuedClip(clip, (), tuple(LabelInQuestion(one.label, "VGGSounder") for one in found), tuple(found))
        for clip, found in evidence.items()
    ]


def _flag(row: Mapping[str, str], name: str) -> bool:
    spelled = {"True": "yes", "False": "no"}
    return yes_or_no({name: spelled.get(row[name], row[name])}, name)


def _table(path: PathLike, *headers: tuple[str, ...]) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Return header and rows of a table that has one of these headers; all is text, for ids may begin with zeros."""
    reader = csv.reader(io.StringIO(read_text(Path(path)), newline=""), strict=True)
    try:
        header = tuple(next((cells for cells in reader if not is_blank(cells)), []))
        if header not in headers:
            wanted = joined(", ".join(columns) for columns in headers)
            raise ValueError(f"expected the columns {wanted}; found {', '.join(header) or 'none'}")
        rows = []
        for cells in reader:
            if is_blank(cells):
                continue
            row = dict(zip(header, cells, strict=True))
            split_clip_id(row["clip_id"])
            rows.append(row)
    except (csv.Error, ValueError) as error:
        raise BadQueue(f"{path}:{reader.line_num}: not what `candidates` or `screen` writes: {error}") from error
    return header, rows
