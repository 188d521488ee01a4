"""What of a recipe may change while a run is under way, and what is said of the rest."""

import pytest
from support.small_training_runs import small_recipe

from baselines.selva.training.changes import Change, changes, refused
from baselines.selva.training.recipe import flat

FALLS = {"encoder__after_warmup": "falls at 80% and 90%", "encoder__warmup": 0, "encoder__steps": 20}


def refusal(before: dict, now: dict):
    return refused(flat(small_recipe(**before)), flat(small_recipe(**now)))


def test_every_key_that_differs_is_named_with_both_values():
    found = changes(flat(small_recipe()), flat(small_recipe(seed=7, encoder__mixing__alpha=1.0)))
    assert list(found) == [Change("seed", 14159265, 7), Change("encoder.mixing.alpha", 2.0, 1.0)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"name": "mine", "rows": ("D3: 5",), "summary": "longer", "checkpoint_every": 7, "validate_every": 9},
        {"encoder__steps": 6},
        {"generator__steps": 1000},
    ],
)
def test_what_no_earlier_step_depends_on_may_change(changed):
    assert refusal({}, changed) is None


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"encoder__learning_rate": 1e-4}, "encoder.learning_rate"),
        ({"generator__batch": 2}, "generator.batch"),
        ({"encoder__warmup": 4}, "encoder.warmup"),
        ({"validation_clips": 2}, "validation_clips"),
        ({"averages__every": 5}, "averages.every"),
        ({"generator__target": "x1", "generator__steps": 1000}, "generator.target"),
    ],
)
def test_what_earlier_steps_depend_on_may_not(changed, key):
    change, way_out = refusal({}, changed)
    assert change.key == key
    assert way_out == f"put {change.before!r} back, or choose another --out for a run of its own"


def test_steps_are_not_lowered():
    change, way_out = refusal({}, {"encoder__steps": 4})
    assert change == Change("encoder.steps", 5, 4)
    assert way_out.startswith("steps can be raised, not lowered; put 5 back, or ")


def test_steps_that_the_rate_follows_from_stay():
    change, way_out = refusal(FALLS, {**FALLS, "encoder__steps": 30})
    assert change == Change("encoder.steps", 20, 30)
    assert "because encoder.after_warmup is 'falls at 80% and 90%'; put 20 back" in way_out
    assert refusal(FALLS, {**FALLS, "generator__steps": 30}) is None


def test_a_key_that_was_not_there_is_to_be_taken_out():
    change, way_out = refused({}, {"new": 3})
    assert (change, way_out.partition(",")[0]) == (Change("new", None, 3), "take it out")
