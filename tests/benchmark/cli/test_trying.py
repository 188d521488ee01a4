"""`try`: what is asked wrongly is said before a model is loaded."""

import pytest

from baselines import registry

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def ask(command, monkeypatch):
    """The verb, where loading a model is an error of its own."""

    def load(*_names, **_options):
        raise ValueError("a model was loaded")

    monkeypatch.setattr("benchmark.web.trying.models.load_model", load)
    return lambda *words: command("try", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "selfa"], "unknown model 'selfa'; did you mean selva"),
        (["--model", "humming", "--model", "humming"], "--model: humming is named twice; name it once"),
        (["--model", "humming", "--option", "levle=1"], "model 'humming' has no option 'levle'; it has: level"),
        (["--model", "oracle", "--random-weights"], "controls have no options, and 'random_weights' was given"),
        (["--model", "selva", "--device", "gpu"], "device: expected cpu, cuda, cuda:N or mps, got 'gpu'"),
        (["--model", "humming", "--duration", "inf"], "--duration: expected seconds, got inf"),
        (["--model", "recorded", "--option", "folder=x"], "--model: recorded has recorded sounds, and no answer"),
        (["--model", "humming", "--benchmark", "nowhere"], "a model was loaded"),  # nothing else was wrong until then
    ],
)
def test_what_is_asked_wrongly_is_said_first(ask, words, message):
    asked = ask(*words)
    assert asked.status == 2
    assert message in asked.err
    assert "humming" in registry._ENTRIES  # of the fixture `models`


def test_a_missing_package_of_the_extra_is_named(command, monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "benchmark.web.trying.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "benchmark.web.serving", raising=False)
    told = command("try", "--model", "humming")
    assert told.status == 2
    assert "the page to try a model needs the package uvicorn; to get it: " in told.err
