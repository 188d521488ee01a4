"""Old addresses still lead to what moved, with one warning; addresses that stay public do not warn."""

import importlib
import sys
import warnings

import pytest

import baselines
import benchmark
import benchmark.profiles
import benchmark.report
import metrics
import vgg_monoaudio
from foundation import moved

SERVED = [finder for finder in sys.meta_path if isinstance(finder, moved._Moved)]
OLD = sorted(name for finder in SERVED for name, (_homes, warned) in finder._table.items() if warned)


def test_every_package_that_lost_modules_serves_them():
    rooms = {name.rpartition(".")[0] for name in OLD}
    packages = (baselines, benchmark, benchmark.profiles, benchmark.report, metrics, vgg_monoaudio)
    assert rooms == {*(package.__name__ for package in packages), "benchmark.media"}


@pytest.fixture
def forgotten(monkeypatch):
    """Drop an old address, so that its import is the first again."""

    def forget(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        package, _, attribute = name.rpartition(".")
        if package in sys.modules and attribute in vars(sys.modules[package]):
            monkeypatch.delattr(sys.modules[package], attribute)
        return name

    return forget


@pytest.mark.parametrize("name", OLD)
def test_an_old_address_leads_to_what_moved_and_names_the_new_one(forgotten, name):
    (homes,) = [finder._table[name][0] for finder in SERVED if name in finder._table]
    with pytest.warns(FutureWarning, match=f"{name} moved to {' and '.join(homes)}") as seen:
        module = importlib.import_module(forgotten(name))
    assert seen[0].filename == __file__ or "importlib" in seen[0].filename
    for home in map(importlib.import_module, homes):
        public = [attribute for attribute in vars(home) if not attribute.startswith("_")]
        assert all(hasattr(module, attribute) for attribute in public)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert importlib.import_module(name) is module  # once is enough


def test_the_warning_points_at_the_line_that_imports(forgotten):
    forgotten("vgg_monoaudio.candidates")
    with pytest.warns(FutureWarning) as seen:
        from vgg_monoaudio import candidates
    assert seen[0].filename == __file__
    assert candidates.__name__ == "vgg_monoaudio.selection.candidates"


@pytest.mark.parametrize("name", ["media", "checkpoints"])
def test_the_addresses_of_model_code_stay_without_a_warning(forgotten, name):
    home = importlib.import_module(f"foundation.{name}")
    forgotten(f"benchmark.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert getattr(benchmark, name) is home
        assert importlib.import_module(f"benchmark.{name}") is home
        assert home.__spec__.name == f"foundation.{name}"


def test_what_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"vgg_monoaudio\.nothing"):
        importlib.import_module("vgg_monoaudio.nothing")


@pytest.mark.parametrize(
    "name", ["media.wav", "media.frames", "checkpoints.files", "checkpoints.table", "checkpoints.transfer"]
)
def test_submodules_of_such_an_address_are_the_same_modules(forgotten, name):
    home = importlib.import_module(f"foundation.{name}")
    forgotten(f"benchmark.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert importlib.import_module(f"benchmark.{name}") is home
    package, _, leaf = f"foundation.{name}".rpartition(".")
    assert getattr(sys.modules[package], leaf) is home  # and not a second copy of it


def test_an_exception_is_caught_by_either_address():
    from benchmark.checkpoints.files import MissingCheckpoint

    from foundation import checkpoints

    assert MissingCheckpoint is checkpoints.MissingCheckpoint


def test_a_submodule_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"foundation\.media\.nothing"):
        importlib.import_module("benchmark.media.nothing")


def test_two_homes_are_served_as_one_module(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    moved.serve_moved("foundation", {"tools": "foundation.names foundation.work"})
    monkeypatch.delitem(sys.modules, "foundation.tools", raising=False)
    with pytest.warns(FutureWarning, match=r"foundation\.names and foundation\.work"):
        tools = importlib.import_module("foundation.tools")
    assert (tools.nearest, tools.available_cores) == (
        importlib.import_module("foundation.names").nearest, importlib.import_module("foundation.work").available_cores,
    )  # fmt: skip
    assert {"nearest", "available_cores"} <= set(dir(tools))  # `from foundation.tools import *` takes them
    with pytest.raises(AttributeError, match=r"module 'foundation\.tools' has no attribute 'hammer'"):
        _ = tools.hammer
