"""Which pairs become scenes, under which name, and which half shows the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foundation.disk import LONGEST_NAME_BYTES, PARTIAL_NAME_BYTES
from foundation.files import replacing
from vgg_monoaudio.building.result import BuildError
from vgg_monoaudio.composition import Side
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, Subset
from vgg_monoaudio.draws import rank
from vgg_monoaudio.pairing import JudgedPairs, exhaustive_pairs, filter_intra_class, sample_inter_class
from vgg_monoaudio.record import DroppedPairRecord

PAPER_INTER_PAIRS = 560
LONGEST_FILE_NAME_BYTES = LONGEST_NAME_BYTES - PARTIAL_NAME_BYTES - len(".mp4")  # as it is while it is written
SIDE_RULE = "balanced"  # in `benchmark.json`; another rule has another name
# Names of these lengths could be taken for VGGSound ids: av-benchmark cuts those of 20, 21 and 30 characters.
CUT_LENGTHS = frozenset({18, 20, 21, 30})


@dataclass(frozen=True)
class Chosen:
    """The scenes of a benchmark.

    Attributes:
        manifests: of each subset, columns `MANIFEST_COLUMNS`, the hashes still empty.
        inter_pool: number of inter-class pairs that were there to choose from.
        intra_pool: number of intra-class pairs before the filter.
        dropped: the pairs that the filter took out.
    """

    manifests: dict[Subset, pd.DataFrame]
    inter_pool: int
    intra_pool: int
    dropped: tuple[DroppedPairRecord, ...]


def choose_scenes(
    sources: pd.DataFrame, *, inter_pairs: int | None, seed: int, judged: JudgedPairs | None = None
) -> Chosen:
    """Choose pairs, sides and names.

    Args:
        sources: one row per clip: clip_id, label, category.
        inter_pairs: number of inter-class scenes; None takes 560, or every pair where there are fewer.
        seed: of the inter-class sample and of the sides.
        judged: what people said of intra-class pairs; the table of relations decides about the others.

    Raises:
        BuildError: fewer pairs than asked for, none at all, two that would share a file name, or one whose file name
            is too long.
        ValueError: a target category has fewer pairs than its share.
    """
    inter_pool, intra_pool = exhaustive_pairs(sources)
    count = min(PAPER_INTER_PAIRS, len(inter_pool)) if inter_pairs is None else inter_pairs
    if count > len(inter_pool):
        raise BuildError(f"{count} inter-class pairs asked for, {len(inter_pool)} exist")
    chosen = 0 < count < len(inter_pool)
    inter = sample_inter_class(inter_pool, count=count, seed=seed) if chosen else inter_pool.iloc[:count]
    intra, dropped = filter_intra_class(intra_pool, judged=judged)
    if not len(inter) and not len(intra):
        raise BuildError(f"{len(sources)} usable clips make no pair of different labels")
    manifests: dict[Subset, pd.DataFrame] = {"inter": _manifest(inter, seed), "intra": _manifest(intra, seed)}
    for subset, manifest in manifests.items():
        twice = manifest["filename"][manifest["filename"].duplicated()]
        if len(twice):
            raise BuildError(f"{subset}: two pairs would share the file name {twice.iloc[0]!r}; rename a clip")
        for name in manifest["filename"]:
            if len(name.encode()) > LONGEST_FILE_NAME_BYTES:
                raise BuildError(
                    f"{subset}: the ids of two clips make a file name of {len(name.encode())} bytes, {name!r}; "
                    f"at most {LONGEST_FILE_NAME_BYTES} can be written: rename the clips"
                )
    rows = dropped[["target_id", "paired_id", "reason"]].itertuples(index=False)
    pairs = tuple(
        DroppedPairRecord(target_id=target, paired_id=paired, reason=reason) for target, paired, reason in rows
    )
    return Chosen(manifests, len(inter_pool), len(intra_pool), pairs)


def _manifest(pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    ids = list(zip(pairs["target_id"], pairs["paired_id"], strict=True))
    columns = {
        "filename": [file_name(*pair) for pair in ids],
        "label": pairs["target_label"].to_list(),
        "paired_label": pairs["paired_label"].to_list(),
        **{name: pairs[name].to_list() for name in MANIFEST_COLUMNS[3:7]},
        "target_side": balanced_sides(pairs, seed=seed),
        "sha256": [""] * len(ids),
    }
    return pd.DataFrame(columns, columns=MANIFEST_COLUMNS, dtype=str)


def file_name(target_id: str, paired_id: str) -> str:
    """Return the name of a scene, without extension: both clip ids, never of a length that could be a VGGSound id's."""
    for separator in ("__", "___"):
        name = f"{target_id}{separator}{paired_id}"
        if len(name) not in CUT_LENGTHS:
            break
    return name if len(name) not in CUT_LENGTHS else f"{target_id}____{paired_id}"


def balanced_sides(pairs: pd.DataFrame, *, seed: int) -> list[Side]:
    """Return which half shows the target of each pair: half of a target category left, half right.

    The pairs of a target category are ranked by seed and ids; the first half is left. Where their number is odd, a hash
    of seed and category says which side has one more. So a pair that comes or goes moves at most one other pair of its
    target category, and none of another.

    Args:
        pairs: columns target_id, paired_id, target_category; the pairs of one subset.
        seed: another seed, other sides.
    """
    ids = zip(pairs["target_id"], pairs["paired_id"], strict=True)
    ranked = pairs.assign(rank=[rank(seed, "side", target, paired) for target, paired in ids])
    ranked = ranked.reset_index(drop=True).sort_values(["rank", "target_id", "paired_id"])
    sides: list[Side] = ["right"] * len(pairs)
    for category, cell in ranked.groupby("target_category"):
        extra = rank(seed, "odd side", str(category)) % 2
        for place in cell.index[: (len(cell) + extra) // 2]:
            sides[place] = "left"
    return sides


def write_manifests(work: Path, manifests: Mapping[Subset, pd.DataFrame]) -> None:
    """Write the manifest of each subset that holds samples."""
    for subset, manifest in manifests.items():
        if len(manifest):
            with replacing(work / subset / "manifest.csv") as temporary:
                manifest.to_csv(temporary, index=False, lineterminator="\n")
