"""Every row of the paper's tables has a name, and `list-models` says what each name needs."""

import csv
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from baselines import get_model, list_models, option_names
from baselines.programs.program import Program, ProgramFile, parts
from baselines.programs.settings import read_settings
from benchmark.cli import app

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
DRIVEN = ("rewas", "vintage", "vintage-readme", "vos-mmaudio")


def published_rows() -> set[str]:
    """Every row that the paper prints, "table: row"."""
    found = set()
    for path in PUBLISHED.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found |= {f"{line['table']}: {line['row']}" for line in csv.DictReader(file)}
    return found


def test_every_row_of_the_papers_tables_has_one_name_and_no_name_another_row():
    assert sorted(row for entry in list_models() for row in entry.rows) == sorted(published_rows())


def test_a_row_is_made_by_the_options_of_its_name():
    options = {row: dict(entry.options) for entry in list_models() for row in entry.rows}
    assert {row: options[row].get("num_sup_tokens", 5) for row in options if row.startswith("D3: ")} == {
        f"D3: {count}": count for count in (0, 1, 3, 5, 7)
    }
    assert {row: options[row]["variant"] for row in options if row.startswith("D5: ")} == {
        "D5: SELVA-S-16k": "small_16k", "D5: SELVA-S-44k": "small_44k", "D5: SELVA-M-44k": "medium_44k",
        "D5: SELVA-L-44k": "large_44k",
    }  # fmt: skip
    assert options["A1: MMAudio-S-16kHz"] == {"variant": "small_16k"}
    assert options["A1: w/ null CLIP emb."] == {"variant": "small_16k", "null_clip": True}
    assert options["A1: w/ null Synchronformer emb."] == {"variant": "small_16k", "null_sync": True}
    assert options["D4: MMAudio-S-16k"] == options["A1: w/ null CLIP emb."]  # the same numbers in both tables
    assert options["D4: SELVA"] == options["D5: SELVA-S-16k"]


@pytest.mark.parametrize("name", [entry.name for entry in list_models() if entry.kind == "model"])
def test_the_options_of_a_name_are_options_of_its_class(name):
    entry = get_model(name)
    assert set(entry.options) <= set(option_names(entry))
    assert "checkpoint" in option_names(entry) or not entry.unpublished


@pytest.mark.parametrize("name", [entry.name for entry in list_models() if entry.kind == "model"])
def test_a_model_says_where_it_comes_from_and_what_one_may_do_with_it(name):
    entry = get_model(name)
    assert entry.source.startswith("https://")
    assert entry.licence
    assert entry.code_licence


@pytest.mark.parametrize("name", DRIVEN)
def test_a_program_is_the_one_that_its_class_drives(name):
    from importlib import import_module

    entry = get_model(name)
    module, _, attribute = entry.program.partition(":")
    program = getattr(import_module(module), attribute)
    assert (program.repository, program.revision) == (entry.source, entry.revision)
    assert {file.checkpoint for file in program.files if file.checkpoint} <= set(entry.checkpoints)


def listed(monkeypatch, tmp_path) -> dict[str, dict]:
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["list-models", "--json"])
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.stdout)}


def test_what_of_a_program_is_here_is_told_from_what_is_missing(monkeypatch, tmp_path):
    before = listed(monkeypatch, tmp_path)["vintage"]
    assert before["installed"] == [] or before["installed"] == ["ffmpeg"]
    (tmp_path / "vintage" / "ckpts").mkdir(parents=True)
    (tmp_path / "vintage" / "sample_VT_comb.py").touch()
    (tmp_path / "models.toml").write_text(f'[vintage]\ncheckout = "vintage"\npython = "{sys.executable}"\n')
    after = listed(monkeypatch, tmp_path)["vintage"]
    assert {"checkout", "interpreter"} <= set(after["installed"])
    assert "vintage" in after["missing"]
    (tmp_path / "vintage" / "ckpts" / "VTComb_0300000.pt").touch()
    assert "vintage" in listed(monkeypatch, tmp_path)["vintage"]["installed"]


def test_settings_that_cannot_be_read_are_no_reason_to_list_nothing(monkeypatch, tmp_path):
    (tmp_path / "models.toml").write_text("[rewas\n")
    rows = listed(monkeypatch, tmp_path)
    assert "not TOML" in rows["rewas"]["missing"][0]
    assert "oracle" in rows


def test_a_file_of_the_weights_folder_counts_where_the_program_can_be_pointed_to_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    files = (
        ProgramFile("ckpts/a", "rewas-phi", "--phi"), ProgramFile("ckpts/b", "rewas-synchformer"),
        ProgramFile("ckpts/c"),
    )  # fmt: skip
    (tmp_path / "rewas").mkdir()
    for name in ("phi_vggsound.ckpt", "24-01-04T16-39-21.pt"):
        (tmp_path / "rewas" / name).touch()
    program = Program("rewas", "https://example.org", "abc", "https://example.org", "run.py", files=files)
    found = parts(program, read_settings("rewas", checkout=tmp_path))
    assert found == {
        "checkout": False, "interpreter": False, "rewas-phi": True, "rewas-synchformer": False, "ckpts/c": False,
    }  # fmt: skip


def test_the_list_shows_name_source_both_licences_and_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "1000")
    lines = CliRunner().invoke(app, ["list-models"]).stdout.splitlines()
    assert lines[0].split("  ")[0] == "name"
    for heading in ("what it is", "source", "licence of code", "licence of weights", "installed", "missing"):
        assert heading in lines[0]
    (line,) = (line for line in lines if line.startswith("rewas "))
    for word in ("D4: ReWaS", "github.com/naver-ai/rewas @ 4e09954", "CC BY-NC-SA 4.0", "Apache-2.0 (hub)", "checkout"):
        assert word in line
    (line,) = (line for line in lines if line.startswith("selva-s-16k-sup-3 "))
    assert "generator (not published)" in line
