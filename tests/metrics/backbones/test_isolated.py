"""A module of a package is had without what the package does when it is imported."""

import os
import sys
from types import ModuleType

import pytest

from foundation.extras import MissingPackage, command_for
from metrics.backbones.isolated import class_on_demand, derived, import_isolated, librosa_caches, load_isolated


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that shows when its start-up code runs, with a module two folders down."""
    inner = tmp_path / "noisy" / "inner"
    inner.mkdir(parents=True)
    shout = "raise RuntimeError('start-up code ran')\n"
    (tmp_path / "noisy" / "__init__.py").write_text(shout)
    (inner / "__init__.py").write_text(shout)
    (inner / "sibling.py").write_text("import os\nos.environ['NOISE'] = 'loud'\nVALUE = 3\n")
    (inner / "wanted.py").write_text("import plot.style as style\nfrom .sibling import VALUE\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "noisy.inner.wanted"


def test_the_start_up_code_does_not_run_and_nothing_is_left_behind(package):
    before = set(sys.modules), dict(os.environ)
    module = import_isolated(package, without=("plot", "plot.style"))
    assert module.VALUE == 3
    assert (set(sys.modules), dict(os.environ)) == before


def test_modules_that_were_there_are_put_back(package, monkeypatch):
    there = {name: object() for name in ("noisy", "noisy.inner", "plot")}
    for name, module in there.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("metrics.backbones.isolated.find_spec", lambda name: _spec_from_path(name))
    import_isolated(package, without=("plot", "plot.style"))
    assert {name: sys.modules[name] for name in there} == there


def _spec_from_path(name):
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(name)


def test_each_caller_has_a_copy_of_its_own(package):
    first, second = (import_isolated(package, without=("plot", "plot.style")) for _ in range(2))
    first.VALUE = 4
    assert second.VALUE == 3


def test_what_it_needs_and_is_not_stood_in_for_is_missed(package):
    with pytest.raises(ModuleNotFoundError, match="plot"):
        import_isolated(package)
    assert "noisy" not in sys.modules


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(
        ModuleNotFoundError, match=r"no_such_package is not installed; no_such_package\.models is needed"
    ):
        import_isolated("no_such_package.models")


def test_librosa_caches_in_the_temporary_folder_only_where_its_own_cannot_be_written(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    with librosa_caches():
        assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(os, "access", lambda *_: False)
    with librosa_caches():
        assert os.path.isdir(os.environ["NUMBA_CACHE_DIR"])  # noqa: PTH112
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    with librosa_caches():
        assert os.environ["NUMBA_CACHE_DIR"] == "mine"


def test_a_package_of_an_extra_that_is_not_there_is_named_with_the_command():
    with pytest.raises(MissingPackage) as told:
        load_isolated("no_such_package.models", "paper", needed_by="PANNs")
    assert str(told.value) == f"PANNs needs the package no_such_package; to get it: {command_for('paper')}"


def test_a_class_upon_a_package_is_made_once_and_when_it_is_asked_for(monkeypatch):
    class Methods:
        """What it is."""

    made = []

    def make():
        made.append(derived(Methods, dict, "Wanted", size=3))
        return made[-1]

    module = ModuleType("a_module")
    monkeypatch.setitem(sys.modules, "a_module", module)
    module.__getattr__ = class_on_demand("a_module", "Wanted", make)
    assert made == []
    assert module.Wanted is module.Wanted is made[0]
    assert len(made) == 1
    assert issubclass(module.Wanted, Methods)
    assert issubclass(module.Wanted, dict)
    assert (module.Wanted.__name__, module.Wanted.__doc__, module.Wanted.size) == ("Wanted", "What it is.", 3)
    with pytest.raises(AttributeError, match="module 'a_module' has no attribute 'Other'"):
        module.__getattr__("Other")
