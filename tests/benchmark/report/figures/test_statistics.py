"""Figures B3 and B4 show the counts of the benchmark, no others."""

import pandas as pd
import pytest

from benchmark.report.figures.statistics import clips_figure, pairs_figure
from vgg_monoaudio.dataset import load_benchmark
from vgg_monoaudio.publishing.statistics import SubsetStatistics, benchmark_statistics


@pytest.fixture(scope="module")
def statistics(made):
    return benchmark_statistics(load_benchmark(made.benchmark))


def bars(axes):
    """Name to count of a panel of horizontal bars, and the counts as written beside them."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    widths = [int(patch.get_width()) for patch in axes.patches]
    return dict(zip(names, widths, strict=True)), [int(text.get_text()) for text in axes.texts]


def counts_in(axes):
    """(row, column) to count of a panel of pairs, by the names on its axes."""
    rows = [label.get_text().split("  (")[0] for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    found = {}
    for text in axes.texts:
        column, row = (round(place) for place in text.get_position())
        found[rows[row], columns[column]] = int(text.get_text())
    return found


def test_clips_are_counted_by_category_and_by_label(statistics):
    left, right = clips_figure(statistics).axes
    assert bars(left)[0] == {"Animal  (1 labels)": 1, "Vehicle  (2 labels)": 2, "Music  (1 labels)": 1}
    by_label, written = bars(right)
    assert by_label == {"dog barking": 1, "driving buses": 1, "car passing by": 1, "playing harp": 1}
    assert written == list(by_label.values())
    assert (left.get_title(), right.get_title()) == ("4 clips by category", "4 labels")


def test_the_first_category_is_on_top(statistics):
    left, _ = clips_figure(statistics).axes
    bottom, top = left.get_ylim()
    assert bottom > top  # places grow downwards
    assert list(left.get_yticks()) == sorted(left.get_yticks())


def test_pairs_across_categories_are_a_grid_and_pairs_within_one_are_bars(statistics, world):
    inter, intra = pairs_figure(statistics).axes
    assert inter.get_title() == "Inter-class: 5 samples"
    assert intra.get_title() == "Intra-class: 2 samples"
    listed = world.listing("inter").groupby(["target_category", "paired_category"]).size().to_dict()
    assert counts_in(inter) == listed
    assert bars(intra)[0] == {"Vehicle": 2}


def test_the_rows_of_the_grid_carry_their_totals(statistics, world):
    inter = pairs_figure(statistics).axes[0]
    totals = world.listing("inter")["target_category"].value_counts()
    assert {label.get_text() for label in inter.get_yticklabels()} == {f"{name}  ({n})" for name, n in totals.items()}


def test_cells_without_pairs_stay_empty(statistics):
    inter = pairs_figure(statistics).axes[0]
    rows, columns = len(inter.get_yticks()), len(inter.get_xticks())
    assert 0 < len(inter.texts) < rows * columns
    assert "0" not in {text.get_text() for text in inter.texts}


def test_a_subset_of_single_clips_has_bars_under_its_title(statistics):
    table = pd.DataFrame({"total": [3, 1, 4]}, index=["Animal", "Music", "total"])
    single = SubsetStatistics("single", 4, table, pd.DataFrame(), None, (1, 1))
    (axes,) = pairs_figure(type(statistics)(**{**vars(statistics), "subsets": (single,)})).axes
    assert axes.get_title() == "Single clips: 4 samples"
    assert bars(axes) == ({"Animal": 3, "Music": 1}, [3, 1])
