"""Several processes that train together do what one does; on a CPU, over gloo."""

import signal
import socket

import pytest
from support.small_training_runs import (
    Sent,
    course_of,
    narrow_store,
    run_in_processes,
    small_recipe,
    trained,
)

from baselines.selva.training.batches import dealt
from baselines.selva.training.draws import ClipOrder
from baselines.selva.training.run_folder import RunFolder
from baselines.selva.training.shards import shard_path
from baselines.selva.training.store_record import SHARDS_FOLDER

pytestmark = pytest.mark.slow(minutes=1)

ROUNDING = 2e-5  # of a loss: gradients are summed in another order


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def alone(store, tmp_path_factory):
    return course_of(trained(store, tmp_path_factory.mktemp("alone") / "run"))


def together(world=2):
    """What torchrun tells each of several processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return tuple({**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(world))


def check_same(course, alone):
    for stage, losses in alone.losses.items():
        assert [step for step, _ in course.losses[stage]] == [step for step, _ in losses]
        expected = [value for _, value in losses]
        assert [value for _, value in course.losses[stage]] == pytest.approx(expected, rel=ROUNDING)
    assert course.weights.keys() == alone.weights.keys()


def test_two_processes_measure_what_one_measures_and_only_the_first_writes(store, alone, tmp_path):
    assert run_in_processes(store.path, tmp_path / "run", environments=together()) == [0, 0]
    run = RunFolder(tmp_path / "run")
    check_same(course_of(run), alone)
    assert [attempt.processes for attempt in run.read_record().attempts] == [2]


def test_one_process_goes_on_with_what_two_that_were_killed_have_done(store, alone, tmp_path):
    sent = Sent(signal.SIGKILL, "a step", 4)
    assert set(run_in_processes(store.path, tmp_path / "run", sent, environments=together())) == {-signal.SIGKILL}
    check_same(course_of(trained(store, tmp_path / "run")), alone)


def test_a_clip_that_one_process_cannot_read_stops_both_with_every_step_saved(alone, tmp_path):
    store = narrow_store(tmp_path / "store")
    second_step = ClipOrder(small_recipe().seed, "encoder", 8, 4).rows(1)
    odd = store.clips("train")[second_step[dealt(4, rank=1, world=2)[0]]]
    shard = shard_path(store.path / SHARDS_FOLDER, odd.shard)
    content = bytearray(shard.read_bytes())
    frames, _ = store._arrays(odd, "frames", "ends")
    place = content.index(bytes(frames[:64].numpy()))
    content[place] ^= 255
    shard.write_bytes(content)
    assert run_in_processes(store.path, tmp_path / "run", environments=together()) == [1, 1]
    assert [path.name for path in (tmp_path / "run/encoder/checkpoints").iterdir()] == ["step-1"]
