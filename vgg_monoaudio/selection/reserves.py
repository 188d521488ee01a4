"""Reserves: the ranked substitutes for the clips of a list, for when a clip is gone from the web or cannot be used.

They are kept next to the list (`r2.csv`, `r2.reserves.csv`; `mine.csv`, `mine.reserves.csv`). The clips of one label
share its reserves: whichever of them is missing is replaced by the first by rank that is there.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from foundation.files import PathLike
from vgg_monoaudio.selection.source_list import SHIPPED, BadSourceList, list_path, load_source_list, read_source_list

RESERVES = ".reserves.csv"


def has_reserves(source: PathLike) -> bool:
    """Return whether a list, given as its path or its name, has reserves beside it."""
    return list_path(source).with_suffix(RESERVES).is_file()


def read_reserves(source: PathLike) -> pd.DataFrame:
    """Return the reserves of a list: clip_id, label, category, start_seconds, rank (int), conflict; by label and rank.

    The file is a list of sources with one more column, rank: whole numbers from 1 on, each once for a label. Its column
    `reason`, where it has one, says how another data set contradicts a clip's label: conflict, "" where none does.

    Args:
        source: path of a list, or the name of one that ships.

    Raises:
        BadSourceList: no reserves beside the list, or reserves that are malformed, on the list itself, or of a label
            that is not on it.
    """
    listed = list_path(source)
    file = listed.with_suffix(RESERVES)
    if not file.is_file():
        shipped = " and ".join(name for name in SHIPPED if has_reserves(name))
        raise BadSourceList(
            f"{listed.stem}: this list has no reserves; expected a file {file.name} beside it. Of the lists that ship "
            f"{shipped} has them"
        )
    written = load_source_list(file, strict=False)
    if "rank" not in written:
        raise BadSourceList(f"{file}: column 'rank' is missing; expected whole numbers from 1 on")
    ranks = written.set_index("clip_id")["rank"]
    for clip, rank in ranks.items():
        if not (rank.isascii() and rank.isdigit() and int(rank)):
            raise BadSourceList(f"{file}: clip {clip!r} has rank {rank!r}; expected a whole number from 1 on")
    table = read_source_list(file)
    stated: dict[str, str] = {}
    if "reason" in written:
        stated = dict(zip(written["clip_id"], written["reason"], strict=True))
    table = table.assign(
        rank=[int(ranks[clip]) for clip in table["clip_id"]],
        conflict=[stated.get(clip, "") for clip in table["clip_id"]],
    )
    _check(table, read_source_list(listed), str(file))
    return table.sort_values(["label", "rank"], ignore_index=True)


def count_reserves(sources: pd.DataFrame, reserves: pd.DataFrame) -> dict[str, int]:
    """Return how many reserves each label of a list has, zeros included, in the order of the list."""
    counts = reserves["label"].value_counts().to_dict()
    return {str(label): int(counts.get(label, 0)) for label in dict.fromkeys(sources["label"])}


def without_reserves(sources: pd.DataFrame, reserves: pd.DataFrame) -> list[str]:
    """Return the labels of a list whose clips have no substitute at all."""
    return [label for label, count in count_reserves(sources, reserves).items() if not count]


def wanted_clips(source: PathLike, *, reserves: bool) -> list[str]:
    """Return which clips a list asks for, by id; with `reserves`, then its substitutes, those of the first rank first.

    Raises:
        BadSourceList: see `read_source_list` and `read_reserves`.
    """
    clips = list(read_source_list(source)["clip_id"])
    if not reserves:
        return clips
    return [*clips, *read_reserves(source).sort_values(["rank", "clip_id"])["clip_id"]]


def short_labels(source: PathLike, clips: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return the labels of a list for which there are too few clips, reserves counted: how many there are, and needed.

    Args:
        source: path of a list with reserves, or the name of one that ships.
        clips: ids of the clips that are at hand.

    Raises:
        BadSourceList: see `read_source_list` and `read_reserves`.
    """
    listed = read_source_list(source)
    pool = pd.concat([listed, read_reserves(source)])
    there = pool.loc[pool["clip_id"].isin(set(clips)), "label"].value_counts().to_dict()
    needed = listed["label"].value_counts().to_dict()
    counts = {str(label): (int(there.get(label, 0)), int(clips)) for label, clips in needed.items()}
    return {label: count for label, count in counts.items() if count[0] < count[1]}


def _check(reserves: pd.DataFrame, listed: pd.DataFrame, file: str) -> None:
    twice = reserves[reserves.duplicated(["label", "rank"])]
    if len(twice):
        first = twice.iloc[0]
        raise BadSourceList(
            f"{file}: two reserves of {first['label']!r} have rank {first['rank']}; expected each rank once"
        )
    on_it = sorted(set(reserves["clip_id"]) & set(listed["clip_id"]))
    if on_it:
        raise BadSourceList(f"{file}: clip {on_it[0]!r} is on the list itself, so it cannot stand in for another")
    homes = listed.set_index("label")["category"].to_dict()
    for row in reserves.to_dict("records"):
        if homes.get(row["label"]) != row["category"]:
            raise BadSourceList(
                f"{file}: clip {row['clip_id']!r} is of {row['label']!r} in {row['category']!r}; expected a label of "
                "the list, in the category that it has there"
            )
