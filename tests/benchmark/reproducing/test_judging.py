"""From finished runs to the record of a table, and to the files that are written of it."""

import json

import pytest
from support import world
from support.printed import write_printed

from benchmark.report.results import MixedRuns
from benchmark.reproducing import ReproductionRecord, carry_out, judge, plan_of, write_reproduction
from benchmark.reproducing.judging import made_rows

# The made-up world has intervals of 0.1234 to both sides, and values that follow from a model's name.
ROWS = [("first", "inter", "oracle", {}), ("second", "intra", "tiny-foley", {}), ("third", "inter", "distractor", {})]


def printed_of(run, shift=0.0):
    """A run's own numbers as a table would print them, moved by so much."""
    values = run.read_metrics().metrics
    return {name: f"{values[name].value + shift:.3f}" for name in ("fad", "kl", "desync")}


@pytest.fixture
def runs(tmp_path):
    return {(model, subset): world.write_run(tmp_path / "runs", model, subset) for _, subset, model, _ in ROWS}


@pytest.fixture
def plan(tmp_path, runs):
    """A table whose first row is as measured, the second is not, and the third has no run."""
    shifts = {"first": 0.1, "second": 0.2, "third": 0.0}
    rows = [(row, subset, model, printed_of(runs[model, subset], shifts[row])) for row, subset, model, _ in ROWS]
    del runs["distractor", "inter"]
    return plan_of("T", write_printed(tmp_path / "t.csv", rows, samples=5))


def verdicts(record):
    return {row.row: {cell.metric: cell.verdict for cell in row.cells} for row in record.rows}


def test_each_printed_number_has_its_verdict_and_a_row_without_a_run_says_why(plan, runs):
    record = judge(plan, made_rows(plan, runs), {("distractor", "inter"): "it was too loud"})
    assert verdicts(record) == {
        "first": {"fad": "inside", "kl": "inside", "desync": "inside"},
        "second": {"fad": "cannot be told", "kl": "outside", "desync": "outside"},
        "third": dict.fromkeys(("fad", "kl", "desync"), "cannot be told"),
    }
    assert [row.lost for row in record.rows] == ["", "", "it was too loud"]
    assert [record.count(word) for word in ("inside", "outside", "cannot be told")] == [3, 2, 4]


@pytest.mark.parametrize(
    ("n", "published_n", "share"),
    [(560, 560, 0.1658), (560, None, 0.1658), (560, 10**9, 0.05), (560, 140, 0.3807), (140, 560, 0.0796)],
)
def test_how_many_are_outside_by_chance_follows_from_both_numbers_of_clips(plan, runs, n, published_n, share):
    record = judge(plan, made_rows(plan, runs))
    (cell, *_), *_ = (row.cells for row in record.rows)
    cells = [cell.model_copy(update={"verdict": "inside", "n": n, "published_n": published_n})] * 10
    untold = cell.model_copy(update={"verdict": "cannot be told", "n": n})
    row = record.rows[0].model_copy(update={"cells": [*cells, untold]})
    assert record.model_copy(update={"rows": [row]}).outside_by_chance == pytest.approx(10 * share, abs=0.01)


def test_what_the_paper_leaves_open_is_named_as_it_was_chosen_here(plan, runs):
    chosen = {choice.name: choice.chosen for choice in judge(plan, made_rows(plan, runs)).open_choices}
    assert chosen == {
        "reference video": "target", "unit of IB": "cosine", "bandwidth of KAD": "generated", "frame rule": "refuse",
        "list of clips": "demo 1.0",
    }  # fmt: skip


def test_the_guidance_of_vintage_is_named_where_it_ran(tmp_path):
    run = world.write_run(tmp_path / "runs", "vintage", "inter", world.Settings(options={"s_vis": 7.5}))
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [("V", "inter", "vintage", {"kl": "1"})]))
    chosen = {c.name: c.chosen for c in judge(plan, made_rows(plan, {("vintage", "inter"): run})).open_choices}
    assert chosen["guidance of VinTAGe"] == "7.5 (s_vis)"


def test_runs_that_cannot_share_a_table_are_refused(tmp_path, plan, runs):
    other = world.Settings(reference_video="composed")
    runs["tiny-foley", "intra"] = world.write_run(tmp_path / "more", "tiny-foley", "intra", other)
    with pytest.raises(MixedRuns, match="their reference video differs"):
        judge(plan, made_rows(plan, runs))


def test_the_files_say_what_the_record_does(tmp_path, plan, runs):
    record = judge(plan, made_rows(plan, runs), {("distractor", "inter"): "it was too loud"})
    files = write_reproduction(record, tmp_path / "out")
    assert ReproductionRecord.model_validate_json(files.json.read_text()) == record
    text = files.markdown.read_text()
    assert (
        "3 inside, 2 outside, 4 cannot be told. If the printed numbers are over other clips of the same kind, about "
        in text
    )
    assert "- third, inter (distractor): it was too loud." in text
    measured = runs["oracle", "inter"].read_metrics().metrics["kl"].value
    (line,) = [line for line in text.splitlines() if line.startswith("| first | inter | KL |")]
    assert f"| {measured + 0.1:.3f} | {measured:.4f} |" in line
    assert line.endswith("| inside |")


def test_a_run_that_lacks_samples_or_has_unverified_weights_is_noted(tmp_path):
    run = world.write_run(tmp_path / "runs", "tiny-foley", "inter", world.Settings(failed=(0,), unverified=True))
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [("row", "inter", "tiny-foley", {"kl": "1"})]))
    record = judge(plan, made_rows(plan, {("tiny-foley", "inter"): run}))
    total = run.read_metrics().counts.expected
    text = write_reproduction(record, tmp_path).markdown.read_text()
    assert f"row, inter (tiny-foley): {total - 1} of {total} samples are scored." in text
    assert "the hash of a checkpoint was not verified" in text


def test_a_table_of_any_name_stays_in_its_folder(tmp_path, plan, runs):
    record = judge(plan, made_rows(plan, runs)).model_copy(update={"table": "../my table/1"})
    assert write_reproduction(record, tmp_path / "out").json == tmp_path / "out" / "my-table-1.json"


def test_each_model_answers_each_subset_once_and_what_is_done_is_on_disk_after_each(tmp_path, runs):
    rows = [*ROWS, ("again", "inter", "oracle", {})]
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [(*row[:3], {"kl": "1.0"}) for row in rows]))
    asked, on_disk = [], []

    def answer(model, subset):
        path = tmp_path / "out" / "T.json"
        asked.append((model, subset))
        on_disk.append(
            [row["run"] is not None for row in json.loads(path.read_text())["rows"]] if path.exists() else []
        )
        return runs[model, subset] if model != "distractor" else "no"

    record, made = carry_out(plan, answer, tmp_path / "out")
    assert asked == [("oracle", "inter"), ("tiny-foley", "intra"), ("distractor", "inter")]
    assert on_disk == [[], [True, False, False, True], [True, True, False, True]]
    assert [one.row.name for one in made] == ["first", "second", "again"]
    assert record.rows[2].lost == "no"
