"""The rows: complete, written once, light to import, and the documents' tables follow from them."""

import subprocess
import sys
from pathlib import Path

import pytest

import baselines
from baselines import CONTROLS, PAIRED_CONTROLS, TARGET_CONTROLS, list_models, register_model, registry
from baselines.tables import markdown_tables
from foundation.checkpoints import CHECKPOINTS


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


def cells(name: str) -> list[list[str]]:
    """The cells of a table, its headings first."""
    lines = markdown_tables()[name].splitlines()
    return [line.strip("| ").split(" | ") for line in (lines[0], *lines[2:])]


def test_the_controls_are_those_rows_and_the_paired_ones_are_among_them():
    assert [entry.name for entry in list_models() if entry.kind == "control"] == list(CONTROLS)
    assert set(PAIRED_CONTROLS) < set(CONTROLS)


def test_every_checkpoint_of_a_row_is_in_the_table_of_checkpoints():
    named = {name for entry in list_models() for name in entry.checkpoints}
    assert named
    assert named <= set(CHECKPOINTS)


def test_importing_the_rows_imports_no_model_and_nothing_heavy():
    script = (
        "import sys, baselines.catalogue, baselines.tables; baselines.tables.markdown_tables(); "
        "print([name for name in sys.modules if name in {'torch', 'av', 'pandas', 'transformers'} or "
        "name.startswith(('baselines.selva', 'baselines.mmaudio', 'baselines.programs', 'baselines.controls'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          cwd=Path(baselines.__file__).parents[1])  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_every_row_is_in_one_of_the_tables_and_an_alias_with_its_model():
    shown = [row[0] for name in ("models", "controls", "programs") for row in cells(name)[1:]]
    named = [name for cell in shown for name in cell.split("`")[1::2]]
    assert sorted(named) == sorted(entry.name for entry in list_models())
    assert "`selva-s-16k` (= `selva`)" in shown


def test_the_table_of_controls_says_what_each_shows():
    headings, first, *_rest = cells("controls")
    assert headings == ["name", "answer", "what it shows"]
    assert first == ["`oracle`", "the target's own sound", "the ceiling"]
    assert all(len(row) == 3 and all(row) for row in cells("controls"))


def test_weights_that_are_not_published_come_with_the_option_that_takes_them():
    weights = {row[0]: row[3] for row in cells("models")[1:]}
    assert weights["`selva-l-44k`"] == "not published: `--checkpoint generator=FILE`"
    assert weights["`mmaudio-s-16k`"] == "published"


def test_a_row_of_the_paper_stands_once_with_its_command():
    rows = cells("rows of the paper")[1:]
    assert ["D4", "VinTAGe", "`--model vintage`", "published"] in rows
    assert rows == sorted(rows)
    assert len(rows) == sum(len(entry.rows) for entry in list_models())


def test_models_of_other_packages_are_not_in_the_documents():
    register_model("foreign", target="elsewhere:Model", summary="from elsewhere")
    assert "foreign" not in markdown_tables()["models"]


def test_a_bar_in_a_cell_does_not_split_it():
    register_model("bar", target="baselines.controls:Silence", kind="control", summary="this | that: none")
    assert r"| `bar` | this \| that | none |" in markdown_tables()["controls"]


def test_controls_of_the_target_are_all_but_those_of_nothing_or_of_the_paired_sound_alone():
    assert set(CONTROLS) - set(TARGET_CONTROLS) == {"distractor", "silence"}
