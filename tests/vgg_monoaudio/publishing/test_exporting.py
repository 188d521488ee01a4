"""`statistics`, `card` and `export-benchmark` on the command line."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmark.cli import app
from vgg_monoaudio.selection.funnel import first_stage, write_funnel
from vgg_monoaudio.selection.source_list import load_source_list


@pytest.fixture
def call(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object, status: int = 0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return run


def test_statistics_show_clips_and_pairs(call, small):
    shown = call("statistics", small).stdout
    assert "Clips by category (4 in all)" in shown
    assert "intra: 2 samples by target category and paired category" in shown


def test_statistics_as_json_hold_the_same_numbers(call, small):
    tables = json.loads(call("statistics", small, "--json").stdout)
    assert tables["Clips by label"] == [
        {"category": "Music", "label": "playing harp", "clips": 1},
        {"category": "Animal", "label": "dog barking", "clips": 2},
        {"category": "Animal", "label": "bird chirping", "clips": 1},
    ]


def test_statistics_are_written_one_file_a_table(call, small, tmp_path):
    call("statistics", small, "--csv", tmp_path / "tables")
    names = sorted(path.name for path in (tmp_path / "tables").iterdir())
    assert names == [
        "clips_by_category.csv",
        "clips_by_label.csv",
        "inter_samples_by_target_category_and_paired_category.csv",
        "inter_samples_by_target_label.csv",
        "intra_samples_by_target_category_and_paired_category.csv",
        "intra_samples_by_target_label.csv",
    ]
    assert pd.read_csv(tmp_path / "tables" / "clips_by_category.csv")["clips"].sum() == 4


def test_card_writes_card_metadata_and_funnel(call, small):
    shown = call("card", small).stdout.split()
    assert shown == [str(small / "README.md"), str(small / "croissant.json")]
    assert json.loads((small / "benchmark.json").read_text())["funnel"][0]["stage"] == "clips on the list"
    assert "clips on the list" in (small / "README.md").read_text()
    assert json.loads((small / "croissant.json").read_text())["name"] == "small"


def test_card_takes_the_funnel_of_the_list_and_keeps_it(call, small, tmp_path):
    write_funnel(tmp_path / "mine.funnel.csv", first_stage("accepted by people", 4))
    call("card", small, "--funnel", tmp_path / "mine.funnel.csv")
    assert "accepted by people" in (small / "README.md").read_text()
    before = (small / "benchmark.json").read_bytes()
    call("card", small)
    assert (small / "benchmark.json").read_bytes() == before


@pytest.mark.parametrize(("name", "clips"), [("r1", [4870, 519, 516, 67, 67]), ("r2", [4870, 519, 418, 415, 67, 67])])
def test_a_benchmark_of_a_list_that_ships_has_its_funnel(call, write_benchmark, name, clips):
    rows = [tuple(row) for row in load_source_list(name)[["clip_id", "label", "category"]].to_numpy().tolist()]
    path = write_benchmark(name, clips=rows, pairs={"inter": ((0, 40),)})
    call("card", path)
    stages = json.loads((path / "benchmark.json").read_text())["funnel"]
    assert [stage["clips"] for stage in stages] == clips


@pytest.mark.parametrize(("to", "pattern", "files"), [("hf", "*/*.parquet", 3), ("webdataset", "*.tar", 2)])
def test_export_writes_the_form_asked_for(call, small, tmp_path, to, pattern, files):
    out = tmp_path / "out"
    shown = call("export-benchmark", small, "--to", to, "--out", out).stdout
    assert f"6 samples in {files + 1} files" in shown
    assert len(list(out.glob(pattern))) == files
    assert (out / "README.md").is_file()


def test_the_size_of_a_shard_can_be_chosen(call, small, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.cli.exporting.MEGABYTE", 1)
    call("export-benchmark", small, "--to", "webdataset", "--out", tmp_path / "out", "--shard-megabytes", 1)
    assert len(list((tmp_path / "out").glob("*.tar"))) == 6


def test_another_form_is_a_wrong_question(call, small, tmp_path):
    assert "webdataset" in call("export-benchmark", small, "--to", "zip", "--out", tmp_path / "x", status=2).output
