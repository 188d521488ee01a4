"""The models that are tried: the real ones shrunk, where they look, and what cannot be tried."""

import pytest
from support.tiny_models import film as tiny_film
from support.tiny_models import shrunk

from benchmark.web.trying.models import Models

OPTIONS = {"variant": "tiny_16k", "steps": 2, "random_weights": True}


@pytest.fixture(scope="module")
def selva():
    """SELVA with random weights, its networks shrunk."""
    with shrunk():
        yield Models({"selva": OPTIONS, "mixture": {}}, device="cpu")


def test_selva_answers_two_prompts_and_shows_where_it_looks_for_them(selva, tiny, comes, tmp_path):
    from benchmark.web.trying.serving import opened
    from foundation import media

    with opened(selva, tiny.benchmark, at_most_seconds=0.8) as site:
        visitor = comes(site)
        assert visitor.page.count("random weights</span>") == 1
        film = visitor.send(tiny_film(tmp_path / "mine.mp4")).json()
        assert film["seconds"] == 0.8
        *sounds, control, looks = visitor.answers(film, "dog barking", "train horn", models=["selva", "mixture"])
        assert [(one["prompts"], one["fault"]) for one in sounds] == [(["dog barking"], ""), (["train horn"], "")]
        assert control["fault"].startswith("A control answers from")
        assert (looks["looks"], looks["prompts"], looks["fault"]) == (True, ["dog barking", "train horn"], "")
        strip = visitor.client.get(looks["files"]["strip"])
        assert (strip.headers["content-type"], strip.content[:4]) == ("image/png", b"\x89PNG")
        (tmp_path / "looks.mp4").write_bytes(visitor.client.get(looks["files"]["film"]).content)
        width, height = media.shown_size(tmp_path / "looks.mp4")
        assert (height, width / height) == (360, pytest.approx(2 * 96 / 64, rel=0.01))  # two prompts, side by side


def test_the_page_says_which_models_are_controls_and_which_have_random_weights(selva):
    assert [(one.name, one.untrained, one.control) for one in selva.shown] == [
        ("selva", True, False),
        ("mixture", False, True),
    ]


def test_each_model_is_named_before_it_is_loaded_and_controls_wait_for_a_scene(own):
    named = []
    Models({"oracle": {}, "humming": {}, "reading": {}}, telling=named.append)
    assert named == ["humming", "reading"]


def test_recorded_sounds_have_no_answer_to_a_prompt(own):
    with pytest.raises(ValueError, match="--model: recorded has recorded sounds, and no answer to a prompt"):
        Models({"recorded": {"folder": "."}})
