"""`list-models`, `list-metrics`, `schemas`: every row is shown with what a reader needs, and none is lost."""

import hashlib
import itertools
import json

import pytest

from baselines import list_models, register_model
from foundation.checkpoints import CHECKPOINTS, Checkpoint
from metrics.registry import list_metrics

pytestmark = pytest.mark.usefixtures("models", "_wide")
BODY = b"weights of a toy"
NUMBERS = itertools.count()  # no model is registered twice


@pytest.fixture
def _wide(monkeypatch):
    """A line per row, whatever the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def toys(monkeypatch, tmp_path):
    """Two checkpoints, the first of which is in the weights folder."""
    digest = hashlib.sha256(BODY).hexdigest()
    for name in ("toy-a", "toy-b"):
        row = Checkpoint(name, f"{name}.pth", "http://127.0.0.1:9/", "MIT", len(BODY), sha256=digest)
        monkeypatch.setitem(CHECKPOINTS, name, row)
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    (tmp_path / "toy-a.pth").write_bytes(BODY)


@pytest.fixture
def model(command):
    """Register a model; return its row in the terminal and as JSON."""

    def listed(**facts):
        class Toy: ...

        name = f"toy{next(NUMBERS)}"
        register_model(name, **facts)(Toy)
        (line,) = [line for line in command("list-models").out.splitlines() if line.split()[:1] == [name]]
        (row,) = [row for row in json.loads(command("list-models", "--json").out) if row["name"] == name]
        return line, row

    return listed


def test_every_model_has_a_line_and_a_row(command):
    names = [entry.name for entry in list_models()]
    assert [row["name"] for row in json.loads(command("list-models", "--json").out)] == names
    shown = {line.split()[0] for line in command("list-models").out.splitlines() if line.split()}
    assert set(names) <= shown


def test_a_line_shows_what_a_model_is_its_source_and_its_licences(model):
    line, row = model(
        summary="A toy", rows=("D3: 5",), source="https://example.org/toy", revision="3f1c0de", licence="MIT",
        code_licence="Apache-2.0",
    )  # fmt: skip
    for part in ("A toy (D3: 5)", "example.org/toy @ 3f1c0de", "Apache-2.0", " MIT"):
        assert part in line
    assert (row["source"], row["rows"]) == ("https://example.org/toy", ["D3: 5"])


@pytest.mark.parametrize(
    ("facts", "installed", "missing", "shown"),
    [
        ({"checkpoints": ("toy-a", "toy-b")}, ["toy-a"], ["toy-b"], "1 of 2 toy-b"),
        ({"checkpoints": ("toy-a",)}, ["toy-a"], [], "1 of 1 nothing"),
        ({"unpublished": ("generator",)}, [], ["generator (not published)"], "0 of 1 generator (not published)"),
        ({}, [], [], "nothing"),
    ],
    ids=["one missing", "all here", "not published", "needs nothing"],
)
def test_what_is_installed_and_missing_is_counted_and_named(toys, model, facts, installed, missing, shown):
    line, row = model(**facts)
    assert (row["installed"], row["missing"]) == (installed, missing)
    assert " ".join(line.split()).endswith(shown)


def test_an_alias_says_what_it_stands_for(command):
    (line,) = [line for line in command("list-models").out.splitlines() if line.split()[:1] == ["selva"]]
    assert "same as selva-s-16k" in line


def test_settings_that_cannot_be_read_are_named_in_the_row_and_the_others_are_shown(command, tmp_path):
    (tmp_path / "models.toml").write_text("[rewas]\nchekout = '/x'\n")
    rows = {row["name"]: row for row in json.loads(command("list-models", "--json").out)}
    assert len(rows) == len(list_models())
    (problem, *_) = rows["rewas"]["missing"]
    assert "chekout" in problem


def test_every_metric_has_a_row_and_the_extended_ones_are_shown_alone_on_demand(command):
    every = [metric.name for metric in list_metrics(extended=True)]
    extended = [metric.name for metric in list_metrics(extended=True) if metric.extended]
    assert [row["name"] for row in json.loads(command("list-metrics", "--json").out)] == every
    assert [row["name"] for row in json.loads(command("list-metrics", "--extended", "--json").out)] == extended
    lines = command("list-metrics").out.splitlines()
    assert lines[0].split() == ["name", "label", "better", "unit", "group", "scored", "what", "it", "measures"]
    assert [line.split()[0] for line in lines[1:] if line.split()[0] in every] == every
    desync = next(line for line in lines if line.startswith("desync"))
    assert desync.split()[1:4] == ["DeSync", "lower", "s"]


def test_the_folder_of_the_schemas_is_made(command, tmp_path):
    command("schemas", "--out", "new/there")
    assert {"run.schema.json", "metrics.schema.json"} <= {path.name for path in (tmp_path / "new" / "there").iterdir()}


def test_a_reader_that_is_not_a_terminal_gets_a_line_per_row(command, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    lines = command("list-metrics").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [metric.name for metric in list_metrics(extended=True)]


def test_models_that_are_named_are_shown_alone_those_of_the_users_own_too(command, tmp_path):
    path = tmp_path / "mine.toml"
    facts = ("summary", "repository", "commit", "instructions", "code_licence", "licence")
    text = "".join(f'{fact} = "my {fact}"\n' for fact in facts)
    path.write_text(f'extends = "mmaudio-fork"\nname = "mine"\n{text}[parameters]\nvariant = "small_16k"\n')
    done = command("list-models", str(path), "separate:silence", "--json")
    mine, separated = json.loads(done.out)
    assert (mine["name"], mine["summary"], mine["missing"]) == ("mine", "my summary", ["checkout", "interpreter"])
    assert (separated["name"], separated["kind"]) == ("separate-silence", "control")
    assert command("list-models", "silense").status == 2
