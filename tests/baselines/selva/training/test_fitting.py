"""Which recipe a store is for."""

from pathlib import Path

import pytest

from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.training.fitting import fitting
from baselines.selva.training.recipe import read_recipe
from baselines.selva.training.store_record import Counts, StoreRecord

RECORD = StoreRecord(
    seconds=8.0, fps=25, size=224, picture="lossless", rates=("16k",), teacher=False, shard_clips=64, entries="",
    validation_share=None, weights={}, frame_rule="", sound_rule="", status="finished",
    counts=Counts(listed=100, train=98, validation=2, skipped={}),
)  # fmt: skip


def store(*, train=98, **other):
    return RECORD.model_copy(update={"counts": RECORD.counts.model_copy(update={"train": train}), **other})


@pytest.mark.parametrize(
    ("record", "recipe", "changes"),
    [
        (store(), "sup-5", {}),
        (store(rates=("16k", "44k")), "sup-5", {}),
        (store(rates=("44k",)), "s-44k", {}),
        (store(seconds=5.0), "sup-5", {"seconds": 5.0}),
        (store(train=7), "sup-5", {"generator.batch": 6}),
        (store(train=3, seconds=0.64), "sup-5", {"seconds": 0.64, "encoder.batch": 2, "generator.batch": 2}),
    ],
)
def test_a_recipe_fits_by_rate_length_and_batch(record, recipe, changes):
    found = fitting(record)
    assert (found.recipe, found.changes) == (recipe, changes)
    one = read_recipe(str(found.path))
    assert VARIANTS[one.generator.variant].rate in record.rates


def test_the_command_is_said_or_what_is_to_be_set_before_it():
    path = Path("data/my store")
    assert fitting(store()).usage(path) == "python -m benchmark train run --store 'data/my store' --recipe sup-5"
    told = fitting(store(seconds=5.0, train=7)).usage(path)
    assert told.startswith("copy /")
    assert "recipes/sup-5.toml to own.toml, set seconds = 5.0, generator.batch = 6 there, then python" in told
    assert told.endswith(" --recipe own.toml")
