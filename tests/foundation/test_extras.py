"""Packages of an extra."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark.cli import app
from foundation.extras import MissingPackage, command_for, load_extra, require

ROOT = Path(__file__).resolve().parents[2]
CALLED = (
    r"pip install -e '\.\[(\w+)\]'|command_for\([\"'](\w+)[\"']\)|load_extra\([^,()]+, \"(\w+)\"|vgg-monoaudio\[(\w+)\]"
)


def test_a_package_that_is_there_is_returned():
    assert load_extra("json", "web", needed_by="a test") is sys.modules["json"]


def test_a_package_that_is_not_there_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlmodel", None)
    with pytest.raises(MissingPackage) as caught:
        load_extra("sqlmodel", "web", needed_by="a study")
    assert str(caught.value) == f"a study needs the package sqlmodel; to get it: {command_for('web')}"


def test_the_command_is_that_of_what_is_installed_or_that_of_a_checkout(monkeypatch):
    """pip takes the extras of what is installed; it would ask an index, where the suite is not, for what is not."""
    monkeypatch.setattr("foundation.extras.metadata.distribution", lambda name: object())
    assert command_for("web") == "pip install 'vgg-monoaudio[web]'"

    def not_installed(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("foundation.extras.metadata.distribution", not_installed)
    assert command_for("web") == "pip install -e '.[web]' (in the suite's checkout)"


@pytest.mark.parametrize(
    "error", [OSError("libcudart.so.13: no such file"), ImportError("libcudart.so.13: no such file")]
)
def test_a_package_that_was_built_for_another_torch_is_said_to_be(tmp_path, monkeypatch, error):
    (tmp_path / "torchaudio.py").write_text(f"raise {error!r}")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("foundation.extras._version", {"torch": "2.13.0+cpu", "torchaudio": "2.11.0"}.get)
    told = (
        "ImageBind needs the package torchaudio, which is installed and cannot be loaded (libcudart.so.13: no such "
        "file); it must be the build for this torch: torch 2.13.0+cpu, torchaudio 2.11.0"
    )
    with pytest.raises(MissingPackage) as caught:
        load_extra("torchaudio.compliance.kaldi", "paper", needed_by="ImageBind")
    assert str(caught.value) == told
    with pytest.raises(MissingPackage) as caught:
        require(["json", "torchaudio"], "paper", needed_by="ImageBind")
    assert str(caught.value) == told


def test_packages_are_looked_for_without_importing_them(tmp_path, monkeypatch):
    (tmp_path / "noisy_package.py").write_text("raise AssertionError")
    monkeypatch.syspath_prepend(tmp_path)
    require(["noisy_package"], "paper", needed_by="PANNs")
    with pytest.raises(MissingPackage, match="PANNs needs the package absent_package; to get it: pip install"):
        require(["noisy_package", "absent_package"], "paper", needed_by="PANNs")


def test_every_extra_that_is_told_of_exists():
    texts = [*ROOT.glob("docs/*.md"), ROOT / "README.md"]
    texts += [path for room in ("baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")
              for path in (ROOT / room).rglob("*.py")]  # fmt: skip
    told = {match for path in texts for match in re.findall(CALLED, path.read_text())}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {next(filter(None, match)) for match in told} <= extras.keys()


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
    assert command_for("web") in str(told)
