"""Substitutes: for each clip of a list that cannot be used, the next of its label's reserves that can."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.record import ReplacedRecord

Rows = Sequence[Mapping[Any, Any]]
RESERVE_COLUMNS = ["clip_id", "label", "category", "start_seconds", "rank"]


def reserve_rows(reserves: pd.DataFrame, listed: Rows) -> list[dict[str, Any]]:
    """Return reserves as rows with `RESERVE_COLUMNS`, by label, then rank.

    Args:
        reserves: one row per clip: clip_id, label, category, rank, and start_seconds where its 8 s do not begin at 0.
        listed: the rows of the list.

    Raises:
        ValueError: a column is missing, a clip is there twice, or it is on the list itself.
    """
    missing = [name for name in RESERVE_COLUMNS if name not in reserves and name != "start_seconds"]
    if missing:
        raise ValueError(f"reserves: column {', '.join(missing)} is missing; expected {', '.join(RESERVE_COLUMNS)}")
    table = reserves.assign(start_seconds=reserves.get("start_seconds", 0.0))[RESERVE_COLUMNS]
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
                replaced.append(
                    ReplacedRecord(clip_id=problem.clip_id, label=row["label"], reason=problem.reason,
                                   by=row["clip_id"], rank=int(row["rank"]))
                )  # fmt: skip
        waiting = [problem for problem, row in tried.items() if row["clip_id"] in unusable]
    return tuple(sorted(replaced, key=lambda one: one.clip_id))


def without_substitute(listed: Rows, left: Sequence[Problem], reserves: Rows) -> BuildError:
    """Return the refusal to build although reserves were allowed, with the labels that have none left."""
    labels = {row["clip_id"]: str(row["label"]) for row in listed}
    counts: dict[str, int] = defaultdict(int)
    for row in reserves:
        counts[str(row["label"])] += 1
    short = []
    for label in dict.fromkeys(labels[problem.clip_id] for problem in left):
        spent = f"all {counts[label]} are in use, not there or unusable" if counts[label] else "the list has none"
        short.append(f"{label} ({spent})")
    return BuildError(
        f"{len(left)} of {len(listed)} clips cannot be used and have no substitute left: {'; '.join(short)}; "
        "pass --allow-missing to leave them out",
        left,
    )


def version_of_set(version: str, clips: Iterable[str]) -> str:
    """Return the version of a benchmark with substitutes: that of its list, and a short hash of the clips really used.

    Args:
        version: of a benchmark of the list as it is.
        clips: ids of the clips used, substitutes among them, in any order.
    """
    digest = hashlib.sha256("\n".join(sorted(clips)).encode()).hexdigest()
    return f"{version}+reserves.{digest[:8]}"
