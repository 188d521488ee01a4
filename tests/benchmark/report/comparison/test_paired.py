"""The parts of a comparison: corrected p-values, the verdict of a change, and the samples that differ most."""

import pandas as pd
import pytest

from benchmark.report.comparison.changes import SIGNIFICANT, Change
from benchmark.report.comparison.paired import MOST_RESAMPLES, PairedTests, corrected, largest_gaps
from benchmark.report.samples import read_run_samples
from metrics.registry import get_metric

KL, CLAP = get_metric("kl"), get_metric("clap")  # lower is better, higher is better


def change(metric=KL, first=1.0, second=2.0, **values):
    return Change(metric, "all", "", 10, first, second, **values)


@pytest.mark.parametrize(
    ("metric", "first", "second", "p", "better"),
    [
        (KL, 1.0, 2.0, 0.01, "first"),
        (KL, 2.0, 1.0, 0.01, "second"),
        (CLAP, 1.0, 2.0, 0.01, "second"),
        (KL, 1.0, 2.0, SIGNIFICANT, ""),
        (KL, 1.0, 1.0, 0.01, ""),
        (KL, 1.0, 2.0, None, ""),
    ],
)
def test_the_better_run_follows_direction_and_corrected_p_value(metric, first, second, p, better):
    assert change(metric, first, second, corrected=p).better == better


def test_correction_is_holm_s_over_the_changes_that_were_tested():
    changes = corrected([change(p_value=0.01), change(), change(p_value=0.04), change(p_value=0.03)])
    assert [one.corrected for one in changes] == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]


@pytest.fixture
def pair(world, tmp_path):
    first, second = (
        read_run_samples(world.write_run(tmp_path, model)).scored.set_index("sample_id")
        for model in ("tiny-foley", "old-foley")
    )
    record = world.write_run(tmp_path / "r", "tiny-foley").read_metrics()
    return first, second, record


def test_the_largest_gap_comes_first_and_equal_scores_are_never_listed(pair):
    first, second, _ = pair
    second = first.assign(kl=first["kl"] + pd.Series([0.0, 0.2, -0.5, 0.1, 0.0], index=first.index))
    gaps = largest_gaps(first, second, KL, 10)
    assert [gap.sample for gap in gaps] == [first.index[place] for place in (2, 1, 3)]
    assert [gap.second - gap.first for gap in gaps] == pytest.approx([-0.5, 0.2, 0.1])
    assert (gaps[0].label, gaps[0].paired_label) == tuple(first.iloc[2][["label", "paired_label"]])
    assert largest_gaps(first, second, KL, 2) == gaps[:2]
    assert largest_gaps(first, second, KL, 0) == []


def test_a_sample_without_a_score_in_one_run_has_no_gap(pair):
    first, second, _ = pair
    gone = second.index[0]
    second.loc[gone, "kl"] = float("nan")
    assert gone not in {gap.sample for gap in largest_gaps(first, second, KL, 10)}


def test_a_scope_tests_each_of_its_sets_on_the_samples_that_have_the_score(pair):
    first, second, record = pair
    first.loc[first["target_category"] == "Animal", "kl"] = float("nan")
    changes = {one.name: one for one in PairedTests(first, second, record).changes("category", [KL])}
    assert set(changes) == {"Animal", "Music", "Vehicle"}
    assert changes["Animal"].reason == "no sample has this score in both"
    assert (changes["Animal"].samples, changes["Animal"].p_value) == (0, None)
    music = first["target_category"] == "Music"
    assert changes["Music"].samples == int(music.sum())
    assert changes["Music"].second == pytest.approx(second.loc[music, "kl"].mean())


@pytest.mark.parametrize(("metrics", "drawn"), [(1, 1000), (20, 6000), (100, MOST_RESAMPLES)])
def test_many_tests_draw_more_resamples_up_to_a_limit(pair, monkeypatch, metrics, drawn):
    first, second, record = pair
    seen = []
    monkeypatch.setattr(PairedTests, "_change", lambda self, *arguments: seen.append(arguments[-1]))
    PairedTests(first, second, record).changes("category", [KL] * metrics)
    assert set(seen) == {drawn}
