"""How many clips and pairs a benchmark has, by category and label: the numbers behind Figs. B3 and B4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from foundation.markup import markdown_escaped
from vgg_monoaudio.dataset import Benchmark, Subset
from vgg_monoaudio.pairing import exhaustive_pairs, filter_intra_class
from vgg_monoaudio.selection.source_list import SHIPPED, read_source_list
from vgg_monoaudio.taxonomy import CATEGORIES, load_labels, load_subsumption


@dataclass(frozen=True)
class SubsetStatistics:
    """Counts of one subset.

    Attributes:
        subset: its name.
        samples: how many it has.
        by_category: samples by target category (rows) and paired category (columns), and their total; index and
            columns are categories in the order of Table B2, then "total". A subset without paired clips has the column
            "total" alone.
        by_label: one row per target label: category, label, samples.
        on_the_left: number of targets on the left; None where there is no second clip.
        clips_as_target: least and most samples of which one clip is the target.
    """

    subset: str
    samples: int
    by_category: pd.DataFrame
    by_label: pd.DataFrame
    on_the_left: int | None
    clips_as_target: tuple[int, int]


@dataclass(frozen=True)
class Statistics:
    """Counts of a benchmark.

    Attributes:
        clips: how many sources.
        labels: how many labels they have.
        categories: how many categories.
        clips_by_category: one row per category: category, labels, clips.
        clips_by_label: one row per label: category, label, clips.
        subsets: one entry per subset.
    """

    clips: int
    labels: int
    categories: int
    clips_by_category: pd.DataFrame
    clips_by_label: pd.DataFrame
    subsets: tuple[SubsetStatistics, ...]


def benchmark_statistics(benchmark: Benchmark) -> Statistics:
    """Return the counts of a built benchmark."""
    sources = pd.DataFrame([(s.clip_id, s.label, s.category) for s in benchmark.sources])
    sources.columns = pd.Index(["clip_id", "label", "category"])
    return _statistics(sources, benchmark.manifests)


def _statistics(sources: pd.DataFrame, manifests: Mapping[Subset, pd.DataFrame]) -> Statistics:
    return Statistics(
        clips=len(sources),
        labels=int(sources["label"].nunique()),
        categories=int(sources["category"].nunique()),
        clips_by_category=clips_per_category(sources),
        clips_by_label=clips_per_label(sources),
        subsets=tuple(subset_statistics(name, table) for name, table in manifests.items() if len(table)),
    )


def list_statistics(sources: pd.DataFrame, *, seed: int = 0) -> Statistics:
    """Return the counts of the benchmark that a list of clips makes; no clip needs to be there.

    Args:
        sources: one row per clip: clip_id, label, category, as `selection.source_list.read_source_list` returns them.
        seed: of the inter-class sample, as in `build`.

    Raises:
        vgg_monoaudio.building.result.BuildError: the clips make no pair.
    """
    from vgg_monoaudio.building.manifests import choose_scenes

    manifests = choose_scenes(sources, inter_pairs=None, seed=seed).manifests
    return _statistics(sources, manifests)


def clips_per_category(sources: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category in the order of Table B2: category, labels, clips.

    Args:
        sources: one row per clip, columns label and category.
    """
    groups = sources.groupby("category")
    counts = pd.DataFrame({"labels": groups["label"].nunique(), "clips": groups.size()})
    return counts.loc[category_order(sources["category"])].rename_axis("category").reset_index()


def clips_per_label(sources: pd.DataFrame) -> pd.DataFrame:
    """Return one row per label in the order of Table B2, other labels after them: category, label, clips."""
    return _per_label(sources, "label", "category", "clips")


def subset_statistics(subset: str, manifest: pd.DataFrame) -> SubsetStatistics:
    """Return the counts of a manifest, columns `dataset.MANIFEST_COLUMNS`."""
    alone = bool((manifest["target_side"] == "").all())
    times = manifest["target_id"].value_counts()
    return SubsetStatistics(
        subset=subset,
        samples=len(manifest),
        by_category=_by_category(manifest, alone),
        by_label=_per_label(manifest, "label", "target_category", "samples"),
        on_the_left=None if alone else int((manifest["target_side"] == "left").sum()),
        clips_as_target=(int(times.min()), int(times.max())),
    )


def count_pairs(sources: pd.DataFrame) -> dict[str, int]:
    """Return how many pairs a list of sources makes: inter-class, intra-class, and intra-class after the filter."""
    inter, intra = exhaustive_pairs(sources)
    kept, _ = filter_intra_class(intra)
    return {"inter_class_pairs": len(inter), "intra_class_pairs": len(intra), "intra_class_pairs_kept": len(kept)}


def relations_table(lists: Sequence[str] = ()) -> str:
    """Return the relations of `subsumption.csv` as Markdown, with how many intra-class pairs each drops of every list.

    Args:
        lists: lists that ship, by name; all of them by default.
    """
    names = list(lists) or SHIPPED
    pairs = {name: exhaustive_pairs(read_source_list(name)).intra for name in names}
    key = ["target_label", "paired_label"]
    table = load_subsumption()
    dropped = {name: filter_intra_class(intra)[1].groupby(key).size() for name, intra in pairs.items()}
    shown = table.rename(columns={"target_label": "asked for", "paired_label": "also names", "reason": "because"})
    total = ["all", "", "", "pairs kept, of the intra-class pairs"]
    for name, counts in dropped.items():
        shown[name] = [str(counts.get(pair, 0)) for pair in table[key].itertuples(index=False, name=None)]
        total.append(f"{len(pairs[name]) - int(counts.sum())} of {len(pairs[name])}")
    return as_markdown(pd.concat([shown, pd.DataFrame([total], columns=shown.columns)]))


def category_order(categories: Iterable[str]) -> list[str]:
    """Return the distinct categories in the order of Table B2; others follow by name."""
    found = set(categories)
    return [name for name in CATEGORIES if name in found] + sorted(found - set(CATEGORIES))


def describe(statistics: Statistics) -> Sequence[tuple[str, pd.DataFrame]]:
    """Return every table of a benchmark with its title."""
    tables = [
        (f"Clips by category ({statistics.clips} in all)", statistics.clips_by_category),
        ("Clips by label", statistics.clips_by_label),
    ]
    for subset in statistics.subsets:
        title = f"{subset.subset}: {subset.samples} samples by target category"
        beside = " and paired category" if subset.on_the_left is not None else ""
        tables.append((title + beside, subset.by_category.reset_index()))
        tables.append((f"{subset.subset}: samples by target label", subset.by_label))
    return tables


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown: text to the left, numbers to the right."""
    numeric = [pd.api.types.is_numeric_dtype(table[column]) for column in table.columns]
    lines = [_row(table.columns), _row("--:" if right else "---" for right in numeric)]
    lines += [_row(row) for row in table.to_numpy().tolist()]
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(markdown_escaped(str(cell)) for cell in cells) + " |"


def _per_label(table: pd.DataFrame, label: str, category: str, count: str) -> pd.DataFrame:
    counts = table.groupby([category, label]).size().rename(count).reset_index()
    counts.columns = pd.Index(["category", "label", count])
    homes = {name: place for place, name in enumerate(category_order(counts["category"]))}
    places = {name: place for place, name in enumerate(load_labels()["label"])}
    keys = {
        "home": counts["category"].map(homes.__getitem__),
        "place": counts["label"].map(lambda name: places.get(name, len(places))),
    }
    return counts.assign(**keys).sort_values(["home", "place", "label"], ignore_index=True)[counts.columns]


def _by_category(manifest: pd.DataFrame, alone: bool) -> pd.DataFrame:
    rows = category_order(manifest["target_category"])
    total = manifest["target_category"].value_counts().loc[rows].rename("total").to_frame()
    if not alone:
        columns = category_order(manifest["paired_category"])
        cells = pd.crosstab(manifest["target_category"], manifest["paired_category"]).loc[rows, columns]
        total = cells.join(total)
    total.loc["total"] = total.sum()
    return total.rename_axis(index="target category", columns=None)
