"""What loading models by address leaves in a process, taken back."""

import sys

import pytest

from baselines import neighbours, own, registry


@pytest.fixture
def process(monkeypatch, tmp_path):
    """Leave this process as it was: registry, search path and modules."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(own, "_EXECUTED", {})
    monkeypatch.setattr(own, "_IMPORTED", {})
    monkeypatch.setattr(neighbours, "_SERVED", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        facts = vars(sys.modules[name])
        places = [facts.get("__file__") or "", *(facts.get("__path__") or [])]
        if any(str(place).startswith(str(tmp_path)) for place in places):
            del sys.modules[name]
