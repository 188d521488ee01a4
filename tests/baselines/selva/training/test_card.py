"""The model card: what a reader must know of weights that were trained here."""

import re
import shlex

from support.trained_weights import SCORED_ON, own_weights, scoring

from baselines.selva.training.card import card, usage
from baselines.selva.training.own_weights import Clips, FrameEffect, Scores
from baselines.selva.training.recipe import OPEN


def front_matter(text: str) -> list[str]:
    assert text.startswith("---\n")
    return text.split("---\n")[1].splitlines()


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_card_begins_with_the_licence_of_the_weights_that_it_started_from():
    text = card(own_weights())
    assert "license: cc-by-nc-4.0" in front_matter(text)
    assert "CC BY-NC 4.0" in section(text, "Licence")


def test_weights_that_started_elsewhere_claim_no_licence():
    other = {"generator": {"sha256": "a" * 64, "verified": False}}
    for weights in (own_weights(starting_weights=other), own_weights(starting_weights={}, untrained=True)):
        text = card(weights)
        assert "license: other" in front_matter(text)
        assert "CC BY-NC" not in text


def test_every_open_choice_stands_there_with_its_value():
    rows = section(card(own_weights()), "What is not published")
    for key, what in OPEN.items():
        assert re.search(rf"\| `{re.escape(key)}` \| {re.escape(what)} \| \S.* \|", rows), key
    assert "| `encoder.loss` | the form of the distance between student and teacher | mean squared error |" in rows


def test_the_command_gives_both_files_and_what_differs_from_the_default():
    words = shlex.split(usage(own_weights()))
    assert words[:3] == ["make", "eval", "MODEL=selva"]
    assert words[3] == (
        "ARGS=--checkpoint video_encoder=FOLDER/video_encoder.pth --checkpoint generator=FOLDER/generator.pth"
    )
    assert usage(own_weights("sup-3")).endswith('--option num_sup_tokens=3"')
    assert usage(own_weights("m-44k")).endswith('--option variant=medium_44k"')
    assert usage(own_weights().model_copy(update={"untrained": True})).endswith('--random-weights"')
    assert usage(own_weights("sup-3"), "models/mine").count("=models/mine/") == 2
    assert usage(own_weights("sup-3")) in card(own_weights("sup-3"))


def test_the_recipe_stands_there_for_both_stages():
    rows = section(card(own_weights()), "Recipe")
    assert "| steps | 50,000 of 50,000 | 25,000 of 25,000 |" in rows
    assert "| batch | 4 | 12 |" in rows
    assert "| learning rate | 0.0001 | 1e-05 |" in rows
    assert "| mixing | own part on the left, 0.5 of the width; 100% of a batch |" in rows
    assert "betas 0.9, 0.95, epsilon 1e-06, weight decay 1e-06" in rows


def test_a_stage_that_was_not_trained_is_said_to_be_none():
    weights = own_weights()
    text = card(own_weights(trained={"generator": weights.trained["generator"]}))
    assert "| steps | not trained in this run | 25,000 of 25,000 |" in text
    assert "| batch |  | 12 |" in text  # what the recipe would have done is not told as done


def test_scores_are_shown_where_there_are_some_and_said_not_to_be_of_the_files():
    assert "Scores" not in card(own_weights())
    scores = Scores(stage="generator", step=20_000, values={"desync": 0.71234})
    text = section(card(own_weights(scores=scores)), "Scores inside the run")
    assert "| desync | 0.7123 |" in text
    assert "at step 20,000 of the generator, before any averaging, so not of these files" in text
    assert "compare these scores with no table" in text  # they may be of the signal profile, and of few samples
    said = scores.model_copy(update={"scoring": scoring()})
    text = section(card(own_weights(scores=said)), "Scores inside the run")
    assert f"Measured on {SCORED_ON}; what was measured otherwise does not compare." in text


def test_weights_from_random_numbers_are_called_that_at_the_top():
    text = card(own_weights(untrained=True))
    assert "started from random numbers" in text.split("## How to use it")[0]


def test_data_and_hashes_stand_there():
    text = card(own_weights())
    assert "171,000 train, 2,048 validation" in section(text, "Data")
    assert "f" * 64 in section(text, "Data")
    assert "a" * 64 in section(text, "Started from")
    assert "0" * 64 in section(text, "Files")


def test_how_far_jpeg_moves_what_the_encoder_learns_from_stands_under_the_data():
    clips = Clips(
        fingerprint="f" * 64,
        counts={"train": 9},
        settings={"picture": "jpeg 95 4:4:4"},
        frame_effect=FrameEffect(relative_rms=0.01234, clips=16),
    )
    told = section(card(own_weights(store=clips)), "Data")
    assert "kept as jpeg 95 4:4:4; that moves the teacher's features by 1.23% (relative rms, 16 clips)." in told
    unknown = FrameEffect(relative_rms=None, clips=0, reason="Synchformer's weights were not there")
    told = section(card(own_weights(store=clips.model_copy(update={"frame_effect": unknown}))), "Data")
    assert "was not measured (Synchformer's weights were not there)." in told
    without_loss = {"settings": {"picture": "lossless"}, "frame_effect": unknown}
    told = section(card(own_weights(store=clips.model_copy(update=without_loss))), "Data")
    assert "Frames were kept without loss. Fingerprint" in told
