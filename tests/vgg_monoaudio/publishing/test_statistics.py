"""Counts of clips and pairs against lists whose counts are known."""

import pandas as pd
import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.dataset import MANIFEST_COLUMNS
from vgg_monoaudio.pairing import exhaustive_pairs, filter_intra_class, sample_inter_class
from vgg_monoaudio.publishing.statistics import (
    as_markdown,
    benchmark_statistics,
    category_order,
    clips_per_category,
    clips_per_label,
    count_pairs,
    describe,
    list_statistics,
    relations_table,
    subset_statistics,
)
from vgg_monoaudio.selection.source_list import load_source_list
from vgg_monoaudio.taxonomy import CATEGORIES, load_labels


@pytest.fixture(scope="module")
def r1() -> pd.DataFrame:
    return load_source_list("r1")


def as_manifest(pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of a manifest that statistics look at."""
    sides = ["left" if place % 4 else "right" for place in range(len(pairs))]
    table = pairs.rename(columns={"target_label": "label"}).assign(filename="x", sha256="", target_side=sides)
    return table[MANIFEST_COLUMNS]


def test_clips_of_r1_per_category_have_the_squares_of_the_paper(r1):
    counts = clips_per_category(r1)
    assert tuple(counts["category"]) == CATEGORIES
    assert counts["clips"].sum() == 67
    assert (counts["clips"] ** 2).sum() == 739
    assert counts["labels"].sum() == 39


def test_labels_come_in_the_order_of_table_b2(r1):
    counts = clips_per_label(r1.sample(frac=1, random_state=1))
    assert counts["label"].to_list() == load_labels()["label"].to_list()
    assert counts["clips"].sum() == 67


def test_labels_and_categories_of_one_s_own_follow(r1):
    mine = pd.DataFrame(
        [("x", "zebra", "Zoo"), ("y", "ape", "Zoo"), ("z", "ant", "Animal")], columns=["c", "label", "category"]
    )
    counts = clips_per_label(pd.concat([r1, mine]))
    assert counts["label"].to_list()[-2:] == ["ape", "zebra"]
    animals = counts[counts["category"] == "Animal"]["label"].to_list()
    assert animals == ["dog barking", "sheep bleating", "bird chirping", "ant"]
    assert category_order(["Zoo", "Other", "Human", "Air"]) == ["Human", "Other", "Air", "Zoo"]


def test_pairs_of_a_list_are_counted_before_and_after_the_filter(r1):
    assert count_pairs(r1) == {"inter_class_pairs": 3750, "intra_class_pairs": 560, "intra_class_pairs_kept": 549}


def test_the_table_of_relations_says_what_each_drops_of_a_list_and_what_is_kept(r1):
    _, dropped = filter_intra_class(exhaustive_pairs(r1).intra)
    rows = [line.strip("| ").split(" | ") for line in relations_table(["r1"]).splitlines()]
    assert rows[0][-1] == "r1"
    relations = {(row[0], row[1]): int(row[-1]) for row in rows[2:-1]}
    assert relations == dropped.groupby(["target_label", "paired_label"]).size().to_dict()
    assert rows[-1][-1] == f"{560 - len(dropped)} of 560"


def test_the_inter_class_sample_has_70_a_target_category_and_10_a_cell(r1):
    manifest = as_manifest(sample_inter_class(exhaustive_pairs(r1).inter))
    found = subset_statistics("inter", manifest)
    assert found.samples == 560
    assert list(found.by_category.index) == [*CATEGORIES, "total"]
    cells = found.by_category.loc[list(CATEGORIES), list(CATEGORIES)]
    assert all(cells.loc[a, b] == (0 if a == b else 10) for a in CATEGORIES for b in CATEGORIES)
    assert found.by_category["total"].to_list() == [70] * 8 + [560]
    assert found.on_the_left == 420
    assert found.by_label["samples"].sum() == 560


def test_a_list_has_the_counts_of_the_benchmark_that_it_makes(r1):
    found = list_statistics(r1)
    assert (found.clips, found.labels, found.categories) == (67, 39, 8)
    inter, intra = found.subsets
    assert (inter.subset, inter.samples, set(inter.by_category["total"][:-1])) == ("inter", 560, {70})
    assert (intra.subset, intra.samples) == ("intra", count_pairs(r1)["intra_class_pairs_kept"])


def test_how_often_a_clip_is_target_is_told(small):
    inter = benchmark_statistics(load_benchmark(small)).subsets[0]
    assert inter.clips_as_target == (1, 2)  # clip 2 twice, clips 0 and 3 once


def test_rows_are_targets_and_columns_are_what_stands_beside(write_benchmark):
    path = write_benchmark(pairs={"inter": ((0, 2), (1, 2), (3, 2), (2, 0))})
    (inter,) = benchmark_statistics(load_benchmark(path)).subsets
    assert inter.by_category.loc["Animal"].to_dict() == {"Music": 3, "Animal": 0, "total": 3}
    assert inter.by_category.loc["Music"].to_dict() == {"Music": 0, "Animal": 1, "total": 1}


def test_single_clips_have_totals_only():
    manifest = pd.DataFrame(
        [("a", "dog barking", "", "a", "", "Animal", "", "", "")], columns=MANIFEST_COLUMNS, dtype=str
    )
    found = subset_statistics("single", manifest)
    assert list(found.by_category.columns) == ["total"]
    assert found.on_the_left is None


def test_a_benchmark_is_described_by_clips_and_by_every_subset(small):
    tables = describe(benchmark_statistics(load_benchmark(small)))
    assert [title.partition(" (")[0] for title, _ in tables] == [
        "Clips by category",
        "Clips by label",
        "inter: 4 samples by target category and paired category",
        "inter: samples by target label",
        "intra: 2 samples by target category and paired category",
        "intra: samples by target label",
    ]


def test_markdown_puts_numbers_right_and_keeps_bars_in_their_cell():
    table = pd.DataFrame({"name": ["a|b", "c"], "n": [1, 20]})
    assert as_markdown(table).splitlines() == ["| name | n |", "| --- | --: |", "| a\\|b | 1 |", "| c | 20 |"]
