"""What a stage measures is kept for TensorBoard too, whose own thread may find the disk full."""

import errno
import os

import pytest

from baselines.selva.training.logbook import Logbook
from baselines.selva.training.run_folder import RunFolder
from foundation.write_failures import WriteFailed


def full(*_args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as TensorBoard's thread hands it on: without a name


@pytest.mark.parametrize(
    ("call", "done"),
    [
        ("add_scalar", lambda log: log.row(1, {"loss": 0.5})),
        ("flush", lambda log: log.flush()),
        ("close", lambda log: log.__exit__(None, None, None)),
    ],
)
def test_a_disk_that_is_full_for_tensorboard_alone_is_named_with_its_folder(tmp_path, call, done):
    folder = RunFolder(tmp_path).stage("encoder")
    log = Logbook(folder, 0)
    usual = log._writer.close
    setattr(log._writer, call, full)
    with pytest.raises(WriteFailed, match=r"encoder/tensorboard: cannot be written: No space left"):
        done(log)
    usual()


def test_what_was_measured_at_a_step_is_known_by_its_name_or_the_beginning_of_it(tmp_path):
    with Logbook(RunFolder(tmp_path).stage("encoder"), 0) as log:
        log.row(3, {"score_desync": 0.5})
        assert log.has(3, "score_")
        assert not log.has(3, "validation_loss")
        assert not log.has(2, "score_")


def test_tensorboard_draws_no_line_through_scores_that_were_measured_in_two_ways(tmp_path, monkeypatch):
    tags = []
    with Logbook(RunFolder(tmp_path).stage("encoder"), 0) as log:
        monkeypatch.setattr(log._writer, "add_scalar", lambda tag, _value, _step: tags.append(tag))
        for way in (None, "5f0c", "77aa"):
            log.row(3, {"score_desync": 0.5}, scoring=way)
    assert tags == ["score_desync", "score_desync/5f0c", "score_desync/77aa"]
