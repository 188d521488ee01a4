"""`reproduce`: a printed table made again, from what is missing to the verdicts."""

import json
import shutil
from pathlib import Path

import pytest
from support.printed import write_printed

from baselines import register_model
from foundation import checkpoints

pytestmark = pytest.mark.usefixtures("models")
ROWS = (("hum", "inter", "humming", {"kl": "1.00", "fad": "3.0"}), ("best", "inter", "oracle", {"kl": "0.00"}))


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A line of a table is a line, whatever the terminal of whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def printed(tmp_path):
    return lambda rows=ROWS: write_printed(tmp_path / "printed.csv", rows)


@pytest.fixture
def reproduce(command, tiny, printed):
    def run(*more, rows=ROWS, profile="signal"):
        return command(
            "reproduce", "T", "--published", printed(rows), "--benchmark", tiny.path, "--profile", profile,
            "--resamples", 40, "--workers", 0, *more,
        )  # fmt: skip

    return run


def record():
    return json.loads(Path("results/reproduce/T.json").read_text())


def test_the_rows_are_made_in_the_tables_order_and_a_second_time_nothing_is_done_twice(reproduce, look):
    done = reproduce()
    assert done.status == 0, done.err
    assert [(row["row"], row["model"], row["scored"]) for row in record()["rows"]] == [
        ("hum", "humming", 4), ("best", "oracle", 4),
    ]  # fmt: skip
    assert [cell["metric"] for cell in record()["rows"][0]["cells"]] == ["fad", "kl"]
    assert "0 inside, 0 outside, 3 cannot be told" in done.out
    assert "left open by the paper, here: reference video target" in done.out
    assert Path("results/reproduce/T.md").read_text().startswith("# Table T, reproduced\n")
    before = look.written(Path("results/runs")) | look.written(Path("results/cache"))
    assert reproduce().out == done.out
    assert look.written(Path("results/runs")) | look.written(Path("results/cache")) == before


def test_diagnosing_adds_its_findings_to_what_is_shown_and_written(reproduce):
    done = reproduce("--diagnose", "--rows", "hum")
    assert {finding["cause"] for finding in record()["findings"]} >= {"padding", "clip length", "frame rate"}
    assert "5 s; in print 8 s" in done.out
    assert "## Usual causes of a difference" in Path("results/reproduce/T.md").read_text()
    assert "Not made: best, inter: not asked for." in done.out


def test_the_frame_rule_is_named_in_the_verdict_and_on_record(reproduce):
    assert "frame rule drop" in reproduce("--frame-rule", "drop", "--rows", "best").out
    assert record()["scoring"]["frame_rule"] == "drop"


def test_what_is_missing_is_listed_at_once_and_nothing_begins(reproduce, monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoints.WEIGHTS_VARIABLE, str(tmp_path / "none"))
    before = {path.name for path in Path().iterdir()}
    done = reproduce("--metrics", "kl,clap", profile="paper")
    assert done.status == 2
    assert "error: table T: 4 things are missing, listed above; nothing was begun" in done.err
    assert "python -m benchmark weights panns clap roberta-vocab roberta-merges" in done.err
    (line,) = [line for line in done.out.splitlines() if line.startswith("weights clap: missing (2.35 GB, ")]
    assert line.endswith("needed by profile paper")
    assert {path.name for path in Path().iterdir()} - before == {"printed.csv"}


def test_weights_that_one_row_lacks_keep_the_others_from_beginning_too(reproduce, monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoints.WEIGHTS_VARIABLE, str(tmp_path / "none"))
    done = reproduce(rows=(*ROWS, ("MMAudio", "inter", "mmaudio-s-16k", {"kl": "1.0"})))
    assert done.status == 2
    assert "nothing was begun" in done.err
    assert not Path("results").exists()


def test_a_benchmark_that_is_not_there_is_missing_too(command, monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoints.WEIGHTS_VARIABLE, str(tmp_path / "none"))
    done = command("reproduce", "D3", "--rows", "5", "--metrics", "kl")
    assert done.status == 2
    assert (
        "data data/vgg-monoaudio: no benchmark there; needed by 5\n    python -m benchmark build --sources" in done.out
    )
    assert "weights panns" in done.out


def test_a_row_that_is_not_printed_is_answered_with_those_that_are_each_once(command):
    done = command("reproduce", "D5", "--rows", "selva-s-16")
    assert done.status == 2
    assert done.message.count("selva-s-16k") == 1


def test_weights_of_ones_own_are_of_the_model_that_is_named(command, monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoints.WEIGHTS_VARIABLE, str(tmp_path / "none"))
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"w")
    several = command("reproduce", "D5", "--checkpoint", f"generator={mine}")
    assert (several.status, several.out) == (2, "")
    assert "4 models open weights; say whose it is: --checkpoint selva-s-16k:generator=" in several.message
    done = command("reproduce", "D5", "--checkpoint", f"selva-m-44k:generator={mine}")
    assert "generator of selva-m-44k" not in done.out
    assert "generator of selva-s-44k: not published" in done.out
    other = command("reproduce", "D5", "--checkpoint", f"mmaudio-s-16k:generator={mine}")
    assert "mmaudio-s-16k is not run here; there are selva-s-16k, selva-s-44k" in other.message


def test_numbers_of_the_paper_are_not_held_against_those_of_another_profile(command, tiny):
    refused = command("reproduce", "D3", "--benchmark", tiny.path, "--profile", "signal")
    assert refused.status == 2
    assert refused.message.startswith("table D3: its printed numbers are of profile paper, and profile signal would")


def test_an_option_that_a_model_does_not_have_is_refused_before_anything_is_listed(reproduce):
    refused = reproduce("--option", "volume=3", "--rows", "hum", profile="paper")
    assert (refused.status, refused.out) == (2, "")
    assert "volume" in refused.message


def test_a_row_that_is_lost_is_named_and_the_others_are_made(reproduce):
    @register_model("broken")
    class Broken:
        sample_rate = 16_000

        def __init__(self):
            raise ValueError("it is broken today")

    done = reproduce(rows=(("no", "inter", "broken", {"kl": "1.0"}), *ROWS))
    assert done.status == 1
    assert [row["lost"] for row in record()["rows"]] == ["it is broken today", "", ""]
    assert "no, inter (broken): it is broken today." in done.out
    assert "broken inter: it is broken today" in done.err


def test_some_samples_alone_may_be_asked_for(reproduce):
    assert reproduce("--limit", 2, "--rows", "best").status == 0
    assert (record()["rows"][0]["scored"], record()["rows"][0]["expected"]) == (2, 4)
    assert "2 of 4 samples are scored" in Path("results/reproduce/T.md").read_text()


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(reproduce, tmp_path):
    (tmp_path / "file").write_text("")
    refused = reproduce("--out", "file/folder")
    assert refused.status == 2
    assert not Path("results").exists()
    shutil.rmtree(tmp_path / "results", ignore_errors=True)
