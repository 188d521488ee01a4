"""`make eval` on a fresh machine: the embedded demo, six controls, and the order that every metric must give them.

The demo is built once here, the dearest fixture of the suite; nothing else may depend on it.
"""

import json
import subprocess
import sys

import pandas as pd
import pytest

from baselines import CONTROLS
from metrics.registry import list_metrics
from vgg_monoaudio.demo.benchmark import DEMO_SETTINGS

pytestmark = pytest.mark.slow(minutes=0.2)  # each of 20

SAMPLES = 32  # in each subset


# A process inherits its parent's peak of memory, and a test worker's can be large: a small one stands between.
MEASURED = """
import pathlib, resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", "benchmark", "eval"]).returncode
pathlib.Path("peak.txt").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


def evaluate(folder):
    return subprocess.run([sys.executable, "-c", MEASURED], cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where `python -m benchmark eval` was run without arguments, in an empty folder."""
    folder = tmp_path_factory.mktemp("fresh")
    done = evaluate(folder)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "printed.txt").write_text(done.stdout)
    (folder / "peak.txt").rename(folder / "peak_of_first.txt")
    return folder


@pytest.fixture(scope="module", params=["inter", "intra"])
def table(folder, request):
    """Values of one subset: a row per control, a column per metric."""
    rows = {}
    for control in CONTROLS:
        path = folder / "results" / "runs" / "demo" / request.param / control / "metrics.json"
        record = json.loads(path.read_text())
        assert record["scoring"]["profile"] == "signal"
        assert record["counts"] == {"expected": SAMPLES, "generated": SAMPLES, "scored": SAMPLES}
        rows[control] = {name: row["value"] for name, row in record["metrics"].items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def test_the_first_line_says_that_it_is_the_demo_and_the_last_where_the_page_is(folder):
    lines = (folder / "printed.txt").read_text().splitlines()
    assert lines[0] == "benchmark: the embedded demo, in data/demo; building it first"
    assert lines[-1] == "page:   results/report.html"
    assert (folder / "results" / "report.html").stat().st_size > 10_000
    for control in CONTROLS:
        assert sum(line.split()[:1] == [control] for line in lines) == 2, control  # a row in each subset's table


def test_the_oracle_s_sounds_are_the_reference_s_sounds(table):
    assert abs(table.loc["oracle", "fad"]) < 1e-6
    assert abs(table.loc["oracle", "kl"]) < 1e-9


def test_what_is_asked_for_is_told_from_a_mixture_and_a_mixture_from_the_other_sound(table):
    assert table.loc["oracle", "kl"] < table.loc["mixture", "kl"] < table.loc["distractor", "kl"]
    assert table.loc["oracle", "clap"] > table.loc["mixture", "clap"] > table.loc["distractor", "clap"]


def test_sets_that_are_no_such_sounds_are_far_off_and_the_same_set_shuffled_is_not(table):
    """The distractor's row shows what a set-wise metric cannot see: every answer wrong, the set right."""
    worst = table.loc[["silence", "noise"], "fad"].min()
    others = table.drop(index=["silence", "noise"])
    assert worst > 2 * others["fad"].max()
    assert table.loc["distractor", "fad"] < worst / 10
    assert table.loc["distractor", "fad"] < table.loc["mixture", "fad"]
    assert table.loc["distractor", "kl"] > 2 * table.loc["mixture", "kl"]
    assert table.loc["silence", "inception_score"] == pytest.approx(1.0, abs=1e-6)


def test_synchrony_tells_the_right_soundtrack_from_another(table):
    assert table.loc["oracle", "desync"] < 0.1
    assert table.loc["shuffled", "desync"] > 0.3
    assert table.loc["silence", "desync"] == 2.0  # agrees with nothing, so it scores the worst there is


@pytest.mark.parametrize("kind", ["text", "audio", "class"])
def test_selectivity_is_one_for_the_target_zero_for_the_other_and_even_for_a_mixture(table, kind):
    rate, margin = table[f"{kind}_win_rate"], table[f"{kind}_margin"]
    assert rate["oracle"] == 1.0
    assert rate["distractor"] == 0.0
    assert rate["mixture"] == pytest.approx(0.5, abs=0.15)
    assert margin["oracle"] > margin["mixture"] > margin["distractor"]
    assert margin["oracle"] == pytest.approx(-margin["distractor"], rel=0.1)


def test_every_metric_has_a_value_but_the_one_without_a_counterpart(table):
    assert table.columns[table.isna().any()].tolist() == ["imagebind"]
    assert table.columns.tolist() == [metric.name for metric in list_metrics()]


def test_every_value_has_an_interval_that_holds_it(folder):
    for path in folder.glob("results/runs/demo/*/*/metrics.json"):
        for name, row in json.loads(path.read_text())["metrics"].items():
            if row["value"] is None or name == "fad_infinity":
                continue
            low, high = row["ci95"]
            assert low - 1e-9 <= row["value"] <= high + 1e-9, (path, name)


def test_the_second_call_computes_nothing_and_prints_the_same_table(folder, look):
    kept = [folder / "results" / "runs", folder / "results" / "cache", folder / "data"]
    before = [look.written(path) for path in kept]
    first = (folder / "printed.txt").read_text().splitlines()
    done = evaluate(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [look.written(path) for path in kept] == before
    lines = done.stdout.splitlines()
    assert lines[0] == f"benchmark: demo {DEMO_SETTINGS.version}, in data/demo"
    assert lines[1:] == first[first.index(lines[1]) :]


def test_memory_stays_far_below_what_a_small_machine_has(folder):
    """The peak is that of the largest process; at most three work at once on two cores."""
    largest_kilobytes = int((folder / "peak_of_first.txt").read_text())
    assert largest_kilobytes > 100_000
    assert 3 * largest_kilobytes < 4_000_000
