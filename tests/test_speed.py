"""`make bench` keeps what it measures, and docs/performance.md shows what is kept."""

import io
import json
import os
import sys
from pathlib import Path

import pytest
from speed import __main__, board, keep
from speed.gpu.figures import VALUES, figures_of

from foundation.measurements import Figure, measured_tables, read_measurements

ROOT = Path(__file__).resolve().parents[1]
RECORDS = sorted((ROOT / "docs" / "performance").glob("*.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_committed_record_is_whole_and_has_its_table_on_a_page(path):
    record, pages = read_measurements(path), [page.read_text() for page in (ROOT / "docs").glob("*.md")]
    mark = f"<!-- table: measured {record.section} -->\n"
    (page,) = [page for page in pages if mark in page]
    shown = page.split(mark)[1].split("\n<!-- end of table -->")[0]
    assert shown == measured_tables(path.parent)[f"measured {record.section}"], "run `make docs-tables`"


def test_there_are_records():
    assert {path.stem for path in RECORDS} >= {"generation", "large_sets", "gpu-h100"}


def test_measurements_are_printed_as_they_come_and_kept(tmp_path, capsys):
    figures = iter([Figure(what="ours", figure=2.0, unit="s", usual=9.0, usual_way="plain", floor=1.0, at_most=1.5)])
    assert board.keep("tried", figures, tmp_path) == 1
    assert capsys.readouterr().out == "MISS ours: 2 s  [the usual way 9 s (plain); floor 1 s; promised: at most 1.5]\n"
    kept = read_measurements(tmp_path / "tried.json")
    assert kept.figures[0].usual == 9.0
    assert kept.machine.cores >= 1


def test_what_does_not_come_to_its_end_leaves_the_record_that_was_there(tmp_path):
    def figures():
        yield Figure(what="ours", figure=2.0)
        raise KeyError("power")

    (tmp_path / "tried.json").write_text("before")
    with pytest.raises(KeyError):
        board.keep("tried", figures(), tmp_path)
    assert (tmp_path / "tried.json").read_text() == "before"


def test_a_measurement_runs_in_a_process_and_is_kept_under_its_name(tmp_path, monkeypatch, capfd):
    module = tmp_path / "code" / "speed" / "trial.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "from foundation.measurements import Figure\n"
        "def measure():\n    yield Figure(what='trial', figure=1.0, at_most=2.0)\n"
    )
    start = tmp_path / "code" / "sitecustomize.py"
    start.write_text(f"import speed; speed.__path__.append({os.fspath(module.parent)!r})\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.fspath(start.parent), *sys.path]))
    assert __main__.measure("trial", tmp_path / "kept") == 0
    assert "ok   trial: 1" in capfd.readouterr().out
    assert read_measurements(tmp_path / "kept" / "trial.json").figures[0].figure == 1.0


def test_a_measurement_that_is_not_there_is_named(capsys):
    assert __main__.main(["nothing"]) == 2
    known = (
        "cache, composition, events, extraction, full_build, generation, large_sets, set_metrics, signal_profile, "
        "study_load, training"
    )
    assert capsys.readouterr().err == f"error: no measurement 'nothing'; there are {known}\n"


def test_a_row_of_a_card_s_section_is_a_figure_for_each_value():
    row = {
        "what": "part: trunk", "milliseconds_per_sample": 20.0, "share_of_bf16_rate": 0.5, "steps": 25,
        "parts": {"sampler": 0.25}, "peak_gb": None,
    }  # fmt: skip
    first, second = figures_of(row)
    assert (first.what, first.figure, first.floor, first.note) == ("part: trunk", 20.0, 10.0, "steps: 25")
    assert (second.what, second.figure, second.unit) == ("part: trunk: sampler", 0.25, "s a sample")


def test_a_row_s_value_by_torch_is_the_usual_way_and_a_rate_s_floor_is_higher():
    (kernel,) = figures_of({"what": "snake", "milliseconds": 0.2, "torch_milliseconds": 1.4})
    assert (kernel.usual, kernel.usual_way) == (1.4, "torch")
    (rate,) = figures_of({"what": "panns", "files_per_second": 30.0, "share_of_float32_rate": 0.3})
    assert rate.floor == 100.0


def test_every_value_of_every_section_has_a_unit():
    """What `figures_of` does not know would be lost in a note."""
    text = "".join(path.read_text() for path in (ROOT / "tests" / "speed" / "gpu").glob("*.py"))
    for ending in ("per_second", "seconds", "_gb", "_db", "milliseconds", "per_sample"):
        words = {word for word in text.split('"') if word.endswith(ending) and word.isidentifier()}
        assert {word for word in words if word.removeprefix("torch_") not in VALUES} <= {"_per_second"}


LINES = """\
{"section": "machine", "machine": {"name": "one card", "gpu": "card"}}
{"section": "machine", "what": "kernels of our own", "there": true}
{"section": "machine", "what": "copy", "figure": 2917.0, "unit": "GB/s"}
{"section": "official", "took": 9.9, "failed": "left with status 1"}
"""


def test_lines_of_a_card_are_kept_and_what_failed_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(LINES))
    assert keep.main(["gpu-card", "--settings", "8 s", "--folder", str(tmp_path)]) == 0
    kept = read_measurements(tmp_path / "gpu-card.json")
    assert [figure.what for figure in kept.figures] == ["copy"]
    assert (kept.machine.name, kept.settings) == ("one card", "8 s")
    assert capsys.readouterr().err == "section official failed: left with status 1\n"


@pytest.mark.parametrize("left_out", ['machine"', "figure"])
def test_lines_without_a_machine_or_a_figure_are_refused(left_out):
    lines = [line for line in LINES.splitlines() if json.loads(line) and left_out not in line]
    with pytest.raises(ValueError, match="run the section machine"):
        keep.record_of("gpu-card", lines)
