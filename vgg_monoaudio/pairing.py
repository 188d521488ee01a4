"""Which clip is composed with which: every ordered pair, the balanced inter-class sample, the filtered intra-class set.

Every draw is a rank, not a step of a stream: a pair's place in the queue is a hash of the seed and its two clip ids.
So the choice within one cell (target category, paired category) depends on that cell alone, and a clip that joins
another category leaves it as it was. Only the fill of a short cell looks further, at all pairs of its target category.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from vgg_monoaudio.draws import rank

SOURCE_COLUMNS = ["clip_id", "label", "category"]
PAIR_COLUMNS = ["target_id", "paired_id", "target_label", "paired_label", "target_category", "paired_category"]


@dataclass(frozen=True)
class Pairs:
    """All ordered pairs of a list of sources; unpacks as `inter, intra`.

    Attributes:
        inter: pairs of different category, columns `PAIR_COLUMNS`, sorted by target id and paired id.
        intra: pairs of the same category and different label, likewise.
    """

    inter: pd.DataFrame
    intra: pd.DataFrame

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return iter((self.inter, self.intra))


def exhaustive_pairs(sources: pd.DataFrame) -> Pairs:
    """Return every ordered pair of two clips that differ in category (inter) or only in label (intra).

    Two clips of one label make no pair: a prompt could not tell them apart. The rows of the result are sorted by ids,
    so they do not depend on the order of `sources`.

    Args:
        sources: one row per clip, columns clip_id, label, category; other columns are ignored.

    Raises:
        ValueError: a column is missing, a value is empty, a clip is listed twice, or a label is in two categories.

    Source:
        Appendix B.2 of arXiv:2512.02650: 67 clips give 3,750 inter-class and 560 intra-class pairs.

    Examples:
        >>> clips = [("a", "dog barking", "Animal"), ("b", "sheep bleating", "Animal"), ("c", "playing harp", "Music")]
        >>> inter, intra = exhaustive_pairs(pd.DataFrame(clips, columns=["clip_id", "label", "category"]))
        >>> len(inter), len(intra)
        (4, 2)
        >>> print(intra[["target_label", "paired_label"]].to_string(index=False))
          target_label   paired_label
           dog barking sheep bleating
        sheep bleating    dog barking
    """
    _check_sources(sources)
    clips = sources[SOURCE_COLUMNS].sort_values("clip_id", ignore_index=True)
    pairs = clips.add_prefix("target_").merge(clips.add_prefix("paired_"), how="cross")
    pairs = pairs.rename(columns={"target_clip_id": "target_id", "paired_clip_id": "paired_id"})[PAIR_COLUMNS]
    same_category = pairs["target_category"] == pairs["paired_category"]
    same_label = pairs["target_label"] == pairs["paired_label"]
    return Pairs(
        inter=pairs[~same_category].reset_index(drop=True),
        intra=pairs[same_category & ~same_label].reset_index(drop=True),
    )


def sample_inter_class(inter: pd.DataFrame, *, count: int = 560, seed: int = 0) -> pd.DataFrame:
    """Return `count` of the inter-class pairs, balanced over target categories, then paired categories, then labels.

    Each target category gets the same share (they differ by one where `count` does not divide), spread evenly over
    the other categories. Within a cell the target labels take turns. What a cell with too few pairs leaves open is
    filled with the pairs of its target category that rank first among those not taken yet.

    Args:
        inter: inter-class pairs with `PAIR_COLUMNS`, as `exhaustive_pairs` makes them.
        count: number of pairs to draw, at least 1.
        seed: another seed, another sample; the same seed, the same sample, whatever the order of the rows.

    Returns:
        The chosen rows with `PAIR_COLUMNS`, sorted by target id and paired id, no pair twice.

    Raises:
        ValueError: `count` is below 1, `inter` is malformed, or a target category has fewer pairs than its share.

    Source:
        Appendix B.2 of arXiv:2512.02650. The authors' draw itself is not published; ours follows their description.

    Examples:
        >>> from vgg_monoaudio.selection.source_list import read_source_list
        >>> inter = exhaustive_pairs(read_source_list("r1")).inter
        >>> scenes = sample_inter_class(inter, count=560, seed=0)
        >>> len(inter), len(scenes), set(scenes["target_category"].value_counts())
        (3750, 560, {70})
    """
    if count < 1:
        raise ValueError(f"count: expected at least 1 pair, got {count}")
    _check_inter(inter)
    pairs = inter[PAIR_COLUMNS].copy()
    pairs["rank"] = [
        rank(seed, "pair", target, paired)
        for target, paired in zip(pairs["target_id"], pairs["paired_id"], strict=True)
    ]
    # The ids behind the rank settle even a collision of two hashes, so the order is total.
    pairs = pairs.sort_values(["rank", "target_id", "paired_id"])
    taken: list[Hashable] = []
    available = {str(category): int(n) for category, n in pairs["target_category"].value_counts().items()}
    shares = _category_shares(available, count, seed)
    for category, share in sorted(shares.items()):
        taken.extend(_take_category(pairs[pairs["target_category"] == category], share, seed))
    return pairs.loc[taken, PAIR_COLUMNS].sort_values(["target_id", "paired_id"], ignore_index=True)


@dataclass(frozen=True)
class JudgedPairs:
    """What people said of intra-class pairs.

    Attributes:
        table: one row per pair that was judged: target_id, paired_id, target_label, paired_label, also_describes (bool:
            the prompt describes the paired clip too) and reason.
        sha256: of the file it was read from.
    """

    table: pd.DataFrame
    sha256: str

    def unused(self, intra: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that are about none of these pairs: another clip, or other labels than those judged."""
        key = PAIR_COLUMNS[:4]
        found = pd.MultiIndex.from_frame(self.table[key]).isin(pd.MultiIndex.from_frame(intra[key]))
        return self.table[~found]


def filter_intra_class(
    intra: pd.DataFrame, subsumption: pd.DataFrame | None = None, judged: JudgedPairs | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the intra-class pairs whose prompt singles out one sound, and those it does not, with the reason.

    A pair goes when the target label, read as a prompt, also names what the paired clip shows. The relation has a
    direction: the pair with the two clips exchanged may stay.

    Args:
        intra: pairs with at least target_label and paired_label.
        subsumption: columns target_label, paired_label, reason, one row per relation; the table that ships with this
            package (`subsumption.csv`) if not given.
        judged: what people said of single pairs; a relation counts only where they said nothing. Needs the columns
            target_id and paired_id too.

    Returns:
        The pairs kept, in their order, and the pairs dropped, in theirs, with a column `reason`.

    Raises:
        ValueError: a column is missing, or a relation is listed twice.

    Source:
        Appendix B.2 of arXiv:2512.02650, where people filtered 560 pairs down to 511.

    Examples:
        >>> clips = [("a", "people whispering", "Human"), ("b", "baby babbling", "Human")]
        >>> intra = exhaustive_pairs(pd.DataFrame(clips, columns=["clip_id", "label", "category"])).intra
        >>> kept, dropped = filter_intra_class(intra)
        >>> kept["target_label"].to_list(), dropped["target_label"].to_list()
        (['baby babbling'], ['people whispering'])
    """
    if subsumption is None:
        from vgg_monoaudio.taxonomy import load_subsumption

        subsumption = load_subsumption()
    key = ["target_label", "paired_label"]
    _require_columns("intra", intra, key)
    _require_columns("subsumption", subsumption, [*key, "reason"])
    twice = subsumption[subsumption.duplicated(key)]
    if len(twice):
        target, paired = twice.iloc[0][key]
        raise ValueError(f"subsumption: {target!r} over {paired!r} is listed more than once; keep one row")
    relations = subsumption.set_index(key)["reason"]
    reasons = intra[key].apply(tuple, axis="columns", result_type="reduce").map(relations.to_dict())
    if judged is not None:
        said = judged.table.set_index(PAIR_COLUMNS[:4])
        pairs = pd.MultiIndex.from_frame(intra[PAIR_COLUMNS[:4]])
        verdicts = said["reason"].where(said["also_describes"]).reindex(pairs).set_axis(intra.index)
        reasons = reasons.where(~pairs.isin(said.index), verdicts)
    dropped = reasons.notna()
    kept = intra[~dropped].reset_index(drop=True)
    return kept, intra[dropped].assign(reason=reasons[dropped]).reset_index(drop=True)


def _category_shares(available: dict[str, int], count: int, seed: int) -> dict[str, int]:
    """Return how many pairs each target category gives; what does not divide goes one by one to those with room."""
    share, rest = divmod(count, len(available))
    short = {category: n for category, n in sorted(available.items()) if n < share}
    if short:
        listed = ", ".join(f"{category} has {n}" for category, n in short.items())
        raise ValueError(
            f"count: {count} pairs over {len(available)} target categories are {share} each, but {listed}; "
            f"ask for at most {len(available) * min(available.values())} or add clips"
        )
    roomy = sorted((c for c, n in available.items() if n > share), key=lambda c: (rank(seed, "share", c), c))
    if len(roomy) < rest:
        raise ValueError(
            f"count: {count} pairs over {len(available)} target categories are {share} each and {rest} more, but only "
            f"{len(roomy)} categories have more than {share} pairs; {sum(available.values())} pairs exist in all"
        )
    return {category: share + (category in roomy[:rest]) for category in available}


def _take_category(pairs: pd.DataFrame, share: int, seed: int) -> list[Hashable]:
    """Return the row labels of `share` pairs of one target category; `pairs` comes sorted by rank."""
    target = str(pairs["target_category"].iloc[0])
    cells = {str(name): cell for name, cell in pairs.groupby("paired_category", sort=True)}
    quota, rest = divmod(share, len(cells))
    extra = sorted(cells, key=lambda paired: (rank(seed, "cell", target, paired), paired))[:rest]
    taken: list[Hashable] = []
    for paired, cell in cells.items():
        taken.extend(_take_cell(cell, quota + (paired in extra), seed))
    left = pairs.index.difference(pd.Index(taken), sort=False)  # keeps the order of the ranks
    return [*taken, *left[: share - len(taken)]]


def _take_cell(cell: pd.DataFrame, quota: int, seed: int) -> Sequence[Hashable]:
    """Return the row labels of at most `quota` pairs of one cell, the target labels taking turns."""
    place = {
        label: rank(seed, "turn", str(cell["paired_category"].iloc[0]), label) for label in set(cell["target_label"])
    }
    turns = pd.DataFrame(
        {
            "round": cell.groupby("target_label").cumcount(),
            "place": cell["target_label"].map(place),
            "label": cell["target_label"],
        }
    )
    return list(turns.sort_values(["round", "place", "label"]).index[:quota])


def _check_sources(sources: pd.DataFrame) -> None:
    _require_columns("sources", sources, SOURCE_COLUMNS)
    for column in SOURCE_COLUMNS:
        empty = sources[column].isna() | (sources[column] == "")
        if empty.any():
            raise ValueError(f"sources: row {int(empty.to_numpy().argmax())} has no {column}")
    twice = sources["clip_id"][sources["clip_id"].duplicated()]
    if len(twice):
        raise ValueError(f"sources: clip {twice.iloc[0]!r} is listed more than once")
    homes = sources.groupby("label")["category"].unique()
    for label, categories in homes.items():
        if len(categories) > 1:
            raise ValueError(f"sources: label {label!r} is in several categories: {', '.join(sorted(categories))}")


def _check_inter(inter: pd.DataFrame) -> None:
    _require_columns("inter", inter, PAIR_COLUMNS)
    if inter.empty:
        raise ValueError("inter: no pairs; two categories with a clip each are the least that make one")
    if inter.duplicated(["target_id", "paired_id"]).any():
        row = inter[inter.duplicated(["target_id", "paired_id"])].iloc[0]
        raise ValueError(f"inter: pair {row['target_id']!r}, {row['paired_id']!r} is listed more than once")
    same = inter[inter["target_category"] == inter["paired_category"]]
    if len(same):
        row = same.iloc[0]
        raise ValueError(
            f"inter: {row['target_id']!r} and {row['paired_id']!r} are both of category {row['target_category']!r}"
        )


def _require_columns(name: str, table: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{name}: column {', '.join(missing)} is missing; found {', '.join(map(str, table.columns))}")
