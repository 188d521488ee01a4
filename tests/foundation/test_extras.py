"""Packages of an extra."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark.cli import app
from foundation.extras import MissingPackage, command_for, load_extra

ROOT = Path(__file__).resolve().parents[2]
CALLED = r"pip install -e '\.\[(\w+)\]'|command_for\([\"'](\w+)[\"']\)|load_extra\([^,()]+, \"(\w+)\""


def test_a_package_that_is_there_is_returned():
    assert load_extra("json", "web", needed_by="a test") is sys.modules["json"]


def test_a_package_that_is_not_there_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlmodel", None)
    with pytest.raises(MissingPackage) as caught:
        load_extra("sqlmodel", "web", needed_by="a study")
    told = "a study needs the package sqlmodel; to get it: pip install -e '.[web]' (in the suite's checkout)"
    assert str(caught.value) == told


def test_every_extra_that_is_told_of_exists_and_the_command_is_that_of_a_checkout():
    """The suite is on no index, so that `pip install vgg-monoaudio` would bring nothing, or something else."""
    texts = [*ROOT.glob("docs/*.md"), ROOT / "README.md"]
    texts += [path for room in ("baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")
              for path in (ROOT / room).rglob("*.py")]  # fmt: skip
    told = {match for path in texts for match in re.findall(CALLED, path.read_text())}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {next(filter(None, match)) for match in told} <= extras.keys()
    assert [path.name for path in texts if "vgg-monoaudio[" in path.read_text()] == []
    assert command_for("web").startswith("pip install -e '.[web]'")


def test_a_module_of_ours_that_is_not_there_is_a_defect():
    with pytest.raises(ModuleNotFoundError, match=r"benchmark\.no_such_module"):
        load_extra("benchmark.no_such_module", "web", needed_by="a study")


@pytest.mark.parametrize(
    "words",
    [
        ["study", "create", "study.toml"],
        ["study", "create", "--example", "new.toml"],
        ["study", "serve", "."],
        ["study", "status", "."],
        ["study", "export", "."],
        ["study", "analyse", "."],
        ["curate", "serve", "study.toml", "--clips", "."],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_verb_that_needs_the_extra_web_says_so(words, tmp_path, monkeypatch):
    def without(name):
        raise ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy")

    (tmp_path / "study.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("foundation.extras.import_module", without)
    told = CliRunner().invoke(app, words).exception
    assert isinstance(told, MissingPackage)
    assert "pip install -e '.[web]'" in str(told)
