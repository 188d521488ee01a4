"""Drivers as actors of a Ray cluster: shared among its nodes, and a node that is lost costs nothing but time."""

import builtins
import threading
from pathlib import Path

import pytest
from support import patient_model
from support.small_benchmarks import short_film, write_benchmark

from benchmark.executors import GenerateOrder, drive_on_ray
from benchmark.executors.ray import RayMissing, Share, share_of

__all__ = ["short_film", "write_benchmark"]

PAIRS = [(a, b) for a in range(4) for b in range(4) if a != b]
MODEL = f"{Path(patient_model.__file__)}:Patient"


def node(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": float(cpus), "GPU": float(gpus)}}


@pytest.mark.parametrize(
    ("nodes", "drivers", "wanted", "share"),
    [
        ([node(16, 1), node(16, 1)], None, True, Share(2, 16, 1)),
        ([node(64, 4), node(8)], None, True, Share(4, 16, 1)),
        ([node(64, 4), node(8)], None, False, Share(2, 8, 0)),
        ([node(4), node(4, alive=False)], None, True, Share(1, 4, 0)),
        ([node(4), node(4)], 4, True, Share(4, 2, 0)),
    ],
)
def test_a_cluster_is_shared_by_its_gpus_or_else_by_its_nodes(nodes, drivers, wanted, share):
    assert share_of(nodes, drivers, gpus_wanted=wanted) == share


def test_more_drivers_than_a_cluster_has_room_for_are_refused():
    with pytest.raises(ValueError, match="3 asked for, and the Ray cluster has 2 GPUs"):
        share_of([node(16, 2)], 3, gpus_wanted=True)
    with pytest.raises(ValueError, match="no node of the Ray cluster"):
        share_of([node(0)], None, gpus_wanted=True)


def test_without_the_extra_the_message_names_it(monkeypatch):
    real = builtins.__import__

    def without(name, *given, **how):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *given, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RayMissing, match=r"pip install \"vgg-monoaudio\[ray\]\""):
        drive_on_ray(GenerateOrder("bench", "selva", "inter"))


@pytest.mark.slow(minutes=2)
def test_a_node_that_is_lost_amid_the_work_costs_its_shards_alone(write_benchmark, tmp_path):
    from ray.cluster_utils import Cluster

    bench, notes = write_benchmark(pairs={"inter": PAIRS}), tmp_path / "notes"
    notes.mkdir()
    order = GenerateOrder(
        str(bench), MODEL, "inter", runs=str(tmp_path / "runs"), options={"notes": str(notes), "seconds": 1.0},
        run_name="patient",
    )  # fmt: skip
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        other = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()

        def lose():
            while len({path.name.split()[1] for path in notes.glob("* *")}) < 2:
                pass
            cluster.remove_node(other, allow_graceful=False)

        thread = threading.Thread(target=lose, daemon=True)
        thread.start()
        run = drive_on_ray(order, drivers=2, address=cluster.address)
        thread.join(30)
        assert not thread.is_alive()
    finally:
        cluster.shutdown()
    assert len(list(Path(run).glob("audio/*.wav"))) == 12
