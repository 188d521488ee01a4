"""Checkpoints: whole or not there, the last two kept, a damaged one passed over, another run's refused."""

import errno
import logging
import os
import shutil

import pytest
from support.small_training_runs import small_recipe

from baselines.selva.training.checkpoints import RECORD, Checkpoints
from foundation import flushing
from foundation.files import WriteFailed
from foundation.partials import partial_name


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", "encoder", small_recipe(), "s" * 64)


def filled(content):
    def fill(folder):
        (folder / "weights").write_bytes(content)
        (folder / "averages").write_bytes(content * 2)

    return fill


def written(checkpoints, *steps):
    for step in steps:
        checkpoints.write(step, filled(f"step {step}".encode()))
    return checkpoints


def names(checkpoints):
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_the_last_checkpoint_is_found_with_what_was_written(checkpoints):
    found = written(checkpoints, 2, 4).newest()
    assert found.step == 4
    assert (found.path / "weights").read_bytes() == b"step 4"


def test_whoever_may_read_the_record_may_read_the_weights(checkpoints):
    def fill(folder):
        (folder / "model.safetensors").write_bytes(b"weights")
        (folder / "model.safetensors").chmod(0o600)  # as safetensors leaves it

    checkpoints.write(2, fill)
    modes = {(checkpoints.newest().path / name).stat().st_mode for name in (RECORD, "model.safetensors")}
    assert len(modes) == 1


def test_without_a_checkpoint_there_is_none(checkpoints):
    assert checkpoints.newest() is None


def test_the_last_two_are_kept_and_steps_are_counted_as_numbers(checkpoints):
    assert names(written(checkpoints, 8, 9, 10)) == ["step-10", "step-9"]
    assert checkpoints.newest().step == 10


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(lambda path: (path / "weights").write_bytes(b"step 5"), "weights is not what", id="a bit"),
        pytest.param(lambda path: (path / "weights").write_bytes(b""), "weights is not what", id="emptied"),
        pytest.param(lambda path: (path / "averages").unlink(), "averages is missing", id="a file gone"),
        pytest.param(lambda path: (path / RECORD).unlink(), "record cannot be read", id="no record"),
        pytest.param(lambda path: (path / RECORD).write_text('{"sch'), "record cannot be read", id="record cut"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(checkpoints, caplog, damage, told):
    damage(written(checkpoints, 2, 4).folder / "step-4")
    with caplog.at_level(logging.WARNING):
        found = checkpoints.newest()
    assert found.step == 2
    assert told in caplog.text
    assert "step-4" in caplog.text
    assert "the one before it is used" in caplog.text


def test_a_damaged_checkpoint_is_replaced_when_its_step_is_reached_again(checkpoints):
    (written(checkpoints, 2, 4).folder / "step-4" / "weights").write_bytes(b"")
    assert written(checkpoints, 4).newest().step == 4
    assert names(checkpoints) == ["step-2", "step-4"]


def test_a_checkpoint_that_is_being_written_has_no_name_that_is_read(checkpoints):
    written(checkpoints, 2)

    def look(folder):
        filled(b"half")(folder)
        assert checkpoints.newest().step == 2

    checkpoints.write(4, look)
    assert checkpoints.newest().step == 4


def test_what_a_killed_process_left_is_never_read_and_goes_when_the_run_is_held(checkpoints):
    written(checkpoints, 2)
    left = checkpoints.folder / partial_name("step-4")
    shutil.copytree(checkpoints.folder / "step-2", left)
    assert checkpoints.newest().step == 2
    checkpoints.clear_partials()
    assert names(checkpoints) == ["step-2"]


def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(checkpoints):
    written(checkpoints, 2)

    def full(folder):
        (folder / "weights").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(WriteFailed) as failed:
        checkpoints.write(4, full)
    assert str(failed.value) == (
        f"{checkpoints.folder / 'step-4'}: cannot be written: No space left on device; free some space there and give "
        "the same command again; the checkpoint of step 2 stays, and the run goes on from there"
    )
    assert failed.value.no_room
    assert names(checkpoints) == ["step-2"]
    assert checkpoints.newest().step == 2


def test_a_disk_that_is_full_only_when_it_is_flushed_leaves_the_last_checkpoint_too(checkpoints, monkeypatch):
    written(checkpoints, 2)

    def full(path, how):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(flushing, "_sync", full)
    with pytest.raises(WriteFailed, match="the checkpoint of step 2 stays"):
        written(checkpoints, 4)
    assert names(checkpoints) == ["step-2"]


def test_a_defect_while_saving_leaves_nothing_half_written(checkpoints):
    def broken(folder):
        filled(b"half")(folder)
        raise KeyError("averages")

    with pytest.raises(KeyError):
        checkpoints.write(4, broken)
    assert names(checkpoints) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 5}, "seed = 14159265, and this run has 5"),
        ({"encoder__learning_rate": 0.5}, "encoder.learning_rate = 0.001, and this run has 0.5"),
        ({"averages__widths": (0.05, 0.2)}, r"averages.widths = \[0.05, 0.1\], and this run has \[0.05, 0.2\]"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused_by_the_first_key_that_differs(checkpoints, changes, told):
    written(checkpoints, 2)
    other = Checkpoints(checkpoints.folder, "encoder", small_recipe(**changes), checkpoints.store)
    with pytest.raises(ValueError, match=told):
        other.newest()


def test_how_often_a_run_is_saved_may_change(checkpoints):
    written(checkpoints, 2)
    assert Checkpoints(checkpoints.folder, "encoder", small_recipe(checkpoint_every=7), "s" * 64).newest().step == 2


def test_a_checkpoint_of_another_store_or_stage_is_refused(checkpoints):
    written(checkpoints, 2)
    with pytest.raises(ValueError, match="store = ssss"):
        Checkpoints(checkpoints.folder, "encoder", checkpoints.recipe, "t" * 64).newest()
    with pytest.raises(ValueError, match="stage = encoder, and this run has generator"):
        Checkpoints(checkpoints.folder, "generator", checkpoints.recipe, checkpoints.store).newest()
