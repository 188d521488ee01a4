"""Substitutes: for each clip of a list that cannot be used, the next of its label's reserves that can."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.building.settings import with_substitutes
from vgg_monoaudio.record import BuildRecord, ReplacedRecord
from vgg_monoaudio.taxonomy import load_labels

Rows = Sequence[Mapping[Any, Any]]
RESERVE_COLUMNS = ["clip_id", "label", "category", "start_seconds", "rank"]
_CONFLICT = "conflict"
_LABELS_SHOWN = 8  # in a refusal


def reserve_rows(reserves: pd.DataFrame, listed: Rows) -> list[dict[str, Any]]:
    """Return reserves as rows with `RESERVE_COLUMNS` and conflict, by label, then rank.

    Args:
        reserves: one row per clip: clip_id, label, category, rank, start_seconds where its 8 s do not begin at 0, and
            conflict where another data set contradicts its label.
        listed: the rows of the list.

    Raises:
        ValueError: a column is missing, a clip is there twice, or it is on the list itself.
    """
    missing = [name for name in RESERVE_COLUMNS if name not in reserves and name != "start_seconds"]
    if missing:
        raise ValueError(f"reserves: column {', '.join(missing)} is missing; expected {', '.join(RESERVE_COLUMNS)}")
    table = reserves.assign(start_seconds=reserves.get("start_seconds", 0.0), conflict=reserves.get(_CONFLICT, ""))
    table = table[[*RESERVE_COLUMNS, _CONFLICT]]
    clips = [*(row["clip_id"] for row in listed), *table["clip_id"]]
    twice = pd.Index(clips)[pd.Index(clips).duplicated()]
    if len(twice):
        raise ValueError(f"reserves: clip {twice[0]!r} is there twice, or on the list itself; expected other clips")
    return [{str(key): value for key, value in row.items()} for row in
            table.sort_values(["label", "rank"]).to_dict("records")]  # fmt: skip


def find_substitutes(
    listed: Rows, problems: Iterable[Problem], reserves: Rows, cut: Callable[[Sequence[str]], Sequence[Problem]]
) -> tuple[ReplacedRecord, ...]:
    """Return a substitute for every clip that cannot be used, as far as the reserves of its label reach.

    The clips of a label take its reserves in turn, both in their order; of a reserve that cannot be used either, the
    clip takes the next that is left. The result does not depend on anything else.

    Args:
        listed: the rows of the list.
        problems: clips of the list that cannot be used, in the order of the list.
        reserves: as `reserve_rows` makes them.
        cut: cuts clips of these ids and returns which cannot be used.
    """
    labels = {row["clip_id"]: row["label"] for row in listed}
    queues: dict[str, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in reserves:
        queues[row["label"]].append(row)
    replaced, waiting = [], list(problems)
    while True:
        tried = {
            problem: queues[labels[problem.clip_id]].pop(0) for problem in waiting if queues[labels[problem.clip_id]]
        }
        if not tried:
            break
        unusable = {problem.clip_id for problem in cut([row["clip_id"] for row in tried.values()])}
        for problem, row in tried.items():
            if row["clip_id"] not in unusable:
                replaced.append(_replaced(problem, row))
        waiting = [problem for problem, row in tried.items() if row["clip_id"] in unusable]
    return tuple(sorted(replaced, key=lambda one: one.clip_id))


def _replaced(problem: Problem, row: Mapping[Any, Any]) -> ReplacedRecord:
    conflict = {_CONFLICT: row[_CONFLICT]} if row.get(_CONFLICT) else {}  # absent where there is none
    return ReplacedRecord(
        clip_id=problem.clip_id, label=row["label"], reason=problem.reason,
        by=row["clip_id"], rank=int(row["rank"]), **conflict,
    )  # fmt: skip


def foreseen(
    record: BuildRecord, whole: str, rows: tuple[Rows, Rows], hashes: Mapping[str, str],
    cut: Callable[[Sequence[str]], Sequence[Problem]],
) -> str:  # fmt: skip
    """Return the fingerprint of what a build would make now where a benchmark with or without substitutes is.

    Each clip that the benchmark lacks takes the reserve that it took then, unless one before that can be used now.

    Args:
        record: of the benchmark that is there.
        whole: fingerprint of the list, its clips and the settings.
        rows: of the list, and of its reserves.
        hashes: SHA-256 of each clip and reserve that is there.
        cut: cuts reserves of these ids and returns which cannot be used; called for those alone that are there and
            were not in use.
    """
    listed, reserves = rows
    if with_substitutes(whole, record.replaced, reserves, hashes) != record.inputs:
        return whole  # it is of other clips or settings, whatever reserves there are
    used = {clip.by for clip in record.replaced}

    def no_use(clips: Sequence[str]) -> list[Problem]:
        absent = [Problem(clip, "not there") for clip in clips if clip not in hashes]
        unsure = [clip for clip in clips if clip in hashes and clip not in used]
        return [*absent, *(cut(unsure) if unsure else ())]

    lacking = {clip.clip_id: clip.reason for clip in record.left_out}
    lacking |= {clip.clip_id: clip.reason for clip in record.replaced}
    problems = [Problem(row["clip_id"], lacking[row["clip_id"]]) for row in listed if row["clip_id"] in lacking]
    return with_substitutes(whole, find_substitutes(listed, problems, reserves, no_use), reserves, hashes)


def out_of_reach(listed: Rows, absent: Sequence[Problem], reserves: Rows, there: Collection[str]) -> list[Problem]:
    """Return the clips that are not there and cannot be replaced, whatever the reserves that are there are like."""
    labels = {row["clip_id"]: row["label"] for row in listed}
    left = Counter(row["label"] for row in reserves if row["clip_id"] in there)
    short = []
    for problem in absent:
        left[labels[problem.clip_id]] -= 1
        if left[labels[problem.clip_id]] < 0:
            short.append(problem)
    return short


def without_substitute(
    listed: Rows, left: Sequence[Problem], reserves: Rows, *, there: Collection[str], used: Collection[str]
) -> BuildError:
    """Return the refusal to build although reserves were allowed: which labels have none left, and why.

    Args:
        listed: the rows of the list.
        left: clips without a substitute.
        reserves: as `reserve_rows` makes them.
        there: ids of the clips and reserves that are there.
        used: ids of the reserves in use.
    """
    labels = {row["clip_id"]: str(row["label"]) for row in listed}
    order = {label: place for place, label in enumerate(load_labels()["label"])}  # of Table B2; others follow
    short = sorted(
        {labels[problem.clip_id] for problem in left}, key=lambda label: (order.get(label, len(order)), label)
    )
    told = [f"{label} ({_spent(label, reserves, there, used)})" for label in short[:_LABELS_SHOWN]]
    if len(short) > _LABELS_SHOWN:
        told.append(f"and {len(short) - _LABELS_SHOWN} more labels")
    return BuildError(
        f"{len(left)} of {len(listed)} clips cannot be used and have no substitute left: {'; '.join(told)}; "
        "pass --allow-missing to leave them out",
        left,
    )


def _spent(label: str, reserves: Rows, there: Collection[str], used: Collection[str]) -> str:
    clips = [row["clip_id"] for row in reserves if row["label"] == label]
    if not clips:
        return "the list has no reserve for it"
    in_use = sum(clip in used for clip in clips)
    gone = sum(clip not in there for clip in clips)
    counts = ((in_use, "in use"), (gone, "not there"), (len(clips) - in_use - gone, "unusable"))
    return f"{len(clips)} reserves: " + ", ".join(f"{count} {what}" for count, what in counts if count)


def version_of_set(version: str, clips: Iterable[str]) -> str:
    """Return the version of a benchmark with substitutes: that of its list, and a short hash of the clips really used.

    Args:
        version: of a benchmark of the list as it is.
        clips: ids of the clips used, substitutes among them, in any order.
    """
    digest = hashlib.sha256("\n".join(sorted(clips)).encode()).hexdigest()
    return f"{version}+reserves.{digest[:8]}"
