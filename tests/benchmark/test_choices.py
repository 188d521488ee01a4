"""The scoring choices: what a user chooses and what a record keeps are one form."""

import re
from dataclasses import fields, replace
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from pydantic import ValidationError

from benchmark.choices import FEWEST_RESAMPLES, Choices, ScoringRecord
from benchmark.profiles.signal import SignalProfile
from benchmark.scoring import Scores
from foundation.names import joined
from metrics.registry import list_metrics
from metrics.uncertainty.intervals import check_settings

HINTS = get_type_hints(Choices)


class Scorer:
    unverified_weights = True

    def backbones(self):
        return {"panns": "v2-ab"}


def others(name):
    """Every value of a choice but its default."""
    default = getattr(Choices(), name)
    if get_origin(HINTS[name]) is Literal:
        return [word for word in get_args(HINTS[name]) if word != default]
    if isinstance(default, tuple):
        return [("fad",), ("kl", "clap")]
    return [not default] if isinstance(default, bool) else [default + 7]


OTHER = [(field.name, value) for field in fields(Choices) for value in others(field.name)]


def test_the_defaults_are_those_of_the_published_numbers():
    assert Choices() == Choices(
        profile="paper", reference_video="target", bandwidth_from="generated", resample_by="source", resamples=1000,
        seed=0, extended=False, metrics=(), frame_rule="refuse",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OTHER)
def test_every_choice_comes_back_from_its_record(name, value):
    chosen = replace(Choices(), **{name: value})
    assert ScoringRecord.of(chosen, Scorer()).choices() == chosen


@pytest.mark.parametrize(("name", "value"), OTHER)
def test_every_choice_changes_the_record(name, value):
    assert ScoringRecord.of(replace(Choices(), **{name: value}), Scorer()) != ScoringRecord.of(Choices(), Scorer())


def test_a_record_comes_back_from_its_choices_and_the_profile():
    record = ScoringRecord(
        profile="signal", reference_video="composed", bandwidth_from="reference", resample_by="sample", resamples=40,
        bootstrap_seed=3, backbones={"panns": "v2-ab"}, unverified_weights=True, extended=True,
    )  # fmt: skip
    assert ScoringRecord.of(record.choices(), Scorer()) == record


def test_the_record_keeps_what_the_profile_says_of_its_weights():
    record = ScoringRecord.of(Choices(), Scorer())
    assert (record.backbones, record.unverified_weights) == ({"panns": "v2-ab"}, True)


WORDS = [name for name, kind in HINTS.items() if get_origin(kind) is Literal]


@pytest.mark.parametrize("name", WORDS)
def test_the_record_refuses_a_word_that_a_choice_does_not_take(name):
    with pytest.raises(ValidationError, match=f"{name}\n  Input should be "):
        ScoringRecord.model_validate({**ScoringRecord.of(Choices(), Scorer()).model_dump(), name: "other"})


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        *[(name, value, joined(get_args(HINTS[name]))) for name in WORDS for value in ("other", None, ["paper"])],
        *[("resamples", value, "a whole number from 40 on") for value in (39, 0, -1, 100.0, "100", True)],
        *[("seed", value, "a whole number from 0 on") for value in (-1, 0.5, "0", None, False)],
        *[("extended", value, "True or False") for value in ("yes", 1, None)],
        *[("metrics", value, "a tuple of names") for value in ("fad", ["fad"], (1,), None)],
    ],
)
def test_a_value_that_a_choice_does_not_take_is_refused_in_one_line(name, value, taken):
    with pytest.raises(ValueError, match=f"^{name}: expected {taken}, got {re.escape(repr(value))}$"):
        Choices(**{name: value})


def test_the_fewest_resamples_are_those_that_the_intervals_need():
    level = ScoringRecord.of(Choices(), Scorer()).confidence
    check_settings(FEWEST_RESAMPLES, level, "percentile")
    with pytest.raises(ValueError, match=f"at least {FEWEST_RESAMPLES}, got"):
        check_settings(FEWEST_RESAMPLES - 1, level, "percentile")


def test_metrics_by_name_are_one_choice_in_whatever_order_and_spelling():
    assert Choices(metrics=("CLAP", "fad")) == Choices(metrics=("fad", "clap"))
    assert Choices(metrics=("CLAP", "fad")).metrics == ("fad", "clap")


@pytest.mark.parametrize(
    ("metrics", "message"),
    [(("kld",), 'no metric is called "kld"; did you mean kl'), (("KL", "kl"), '"KL" and "kl" both mean kl; name each')],
)
def test_metrics_that_are_unknown_or_named_twice_are_refused(metrics, message):
    with pytest.raises(ValueError, match=message):
        Choices(metrics=metrics)


def test_metrics_by_name_and_all_of_them_are_not_asked_for_together():
    with pytest.raises(ValueError, match="extended: adds to the usual metrics, and metrics names all that are scored"):
        Choices(metrics=("kl",), extended=True)


def test_a_record_of_the_usual_metrics_is_written_as_before_there_were_lists_of_them():
    usual = ScoringRecord.of(Choices(), Scorer())
    assert "metrics" not in usual.model_dump()
    assert "metrics" not in usual.model_dump_json()
    assert ScoringRecord.model_validate_json(usual.model_dump_json()) == usual
    named = ScoringRecord.of(Choices(metrics=("kl",)), Scorer())
    assert ScoringRecord.model_validate_json(named.model_dump_json()).metrics == ("kl",)


def test_a_console_shows_the_choices_that_differ_from_the_defaults():
    assert repr(Choices()) == "Choices()"
    assert repr(Choices(profile="signal", resamples=40)) == "Choices(profile='signal', resamples=40)"
    assert len(repr(Choices(metrics=tuple(metric.name for metric in list_metrics(extended=True))))) < 120


def test_a_console_shows_a_profile_and_scores_as_one_line():
    assert repr(SignalProfile(metrics=("kl", "clap"))) == "SignalProfile(2 metrics)"
    assert repr(Scores({}, {"kl": np.zeros(9)})) == "Scores(0 metrics, 1 of them by sample)"
