"""Packages of an extra."""

import sys

import pytest
from typer.testing import CliRunner

from benchmark.cli import app
from foundation.extras import MissingPackage, load_extra


def test_a_package_that_is_there_is_returned():
    assert load_extra("json", "web", needed_by="a test") is sys.modules["json"]


def test_a_package_that_is_not_there_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlmodel", None)
    with pytest.raises(MissingPackage) as caught:
        load_extra("sqlmodel", "web", needed_by="a study")
    told = "a study needs the package sqlmodel; to get it: pip install 'vgg-monoaudio[web]'"
    assert str(caught.value) == told


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
    assert "pip install 'vgg-monoaudio[web]'" in str(told)
