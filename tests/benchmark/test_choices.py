"""The scoring choices: what a user chooses and what a record keeps are one form."""

from dataclasses import fields, replace
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import ValidationError

from benchmark.choices import Choices, ScoringRecord

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
    return [not default] if isinstance(default, bool) else [default + 7]


OTHER = [(field.name, value) for field in fields(Choices) for value in others(field.name)]


def test_the_defaults_are_those_of_the_published_numbers():
    assert Choices() == Choices(
        profile="paper", reference_video="target", bandwidth_from="generated", resample_by="source", resamples=1000,
        seed=0, extended=False,
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


@pytest.mark.parametrize("name", [field.name for field in fields(Choices) if get_origin(HINTS[field.name]) is Literal])
def test_the_record_refuses_a_word_that_a_choice_does_not_take(name):
    with pytest.raises(ValidationError, match=f"{name}\n  Input should be "):
        ScoringRecord.of(replace(Choices(), **{name: "other"}), Scorer())
