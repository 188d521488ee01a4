"""Drivers as actors of a Ray cluster: shared among its nodes, and a node that is lost costs nothing but time."""

import builtins
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from support import patient_model, reading_model
from support.small_benchmarks import short_film, write_benchmark

from benchmark.executors import EvaluateOrder, GenerateOrder, drive_on_ray
from benchmark.executors.ray import RayMissing

__all__ = ["short_film", "write_benchmark"]

PAIRS = [(a, b) for a in range(4) for b in range(4) if a != b]
MODEL = f"{Path(patient_model.__file__)}:Patient"


def test_without_the_extra_the_message_names_it(monkeypatch):
    real = builtins.__import__

    def without(name, *given, **how):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *given, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RayMissing, match=r"to get it: pip install .*\[ray\]'"):
        drive_on_ray(GenerateOrder("bench", "selva", "inter"))


@pytest.mark.parametrize(
    ("order", "readers", "reason"),
    [
        (GenerateOrder("bench", "selva", "inter"), -1, "--readers: expected 0 or more, got -1"),
        (GenerateOrder("bench", "selva", "inter"), True, "--readers: expected 0 or more, got True"),
        (GenerateOrder("bench", "selva", "inter", workers=0), 2, "--readers 2: --workers 0 decodes in the drivers"),
        (EvaluateOrder("s3://bucket/run", "bench"), 2, "--readers 2: what is on an object store is read where each"),
    ],
)
def test_readers_that_could_read_nothing_are_refused_before_there_is_a_cluster(order, readers, reason):
    with pytest.raises(ValueError, match=reason):
        drive_on_ray(order, readers=readers)


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


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """`reading` as the model of an installed package, here and in processes that are begun here."""
    package = tmp_path / "site" / "reading_model-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: reading-model\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[vgg_monoaudio.models]\nreading = reading_model:Reading\n")
    support = Path(reading_model.__file__).parent
    for folder in (support, package.parent):
        monkeypatch.syspath_prepend(folder)
    path = [support, package.parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, path)))
    yield
    sys.modules.pop("reading_model", None)


def noted(notes, name):
    """The processes of this name whose workers have noted something."""
    return {int(path.name.split()[1]) for path in notes.glob(f"{name} *")}


def first(find, *given):
    """What is found when there is something; minutes pass here only where nothing ever will."""
    until = time.monotonic() + 300
    while not (found := find(*given)):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


@pytest.mark.slow(minutes=2)
def test_readers_end_with_a_driver_that_is_killed_and_a_node_of_readers_that_is_lost_costs_nothing_but_time(
    write_benchmark, tmp_path, installed
):
    from ray.cluster_utils import Cluster

    bench, notes = write_benchmark(pairs={"inter": PAIRS}), tmp_path / "notes"
    notes.mkdir()
    orders = {
        name: GenerateOrder(
            str(bench), "reading", "inter", runs=str(tmp_path / name), options={"notes": str(notes)}, workers=workers
        )
        for name, workers in {"alone": 0, "read": None}.items()
    }
    alone = Path(orders["alone"].drive(None))
    (notes / "hold").touch()  # until it goes, readers alone come back with anything
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 1})
    try:
        other = cluster.add_node(num_cpus=2)
        cluster.wait_for_nodes()

        def disturb():
            (driver,), before = first(noted, notes, "Driver"), first(noted, notes, "Reader")
            os.kill(driver, signal.SIGKILL)
            first(lambda: noted(notes, "Reader") - before)  # both cores there were taken: those before are gone
            cluster.remove_node(other, allow_graceful=False)
            (notes / "hold").unlink()

        thread = threading.Thread(target=disturb, daemon=True)
        thread.start()
        run = Path(drive_on_ray(orders["read"], address=cluster.address))
        thread.join(60)
        assert not thread.is_alive()
    finally:
        cluster.shutdown()
    sounds = {path.name: path.read_bytes() for path in alone.glob("audio/*.wav")}
    assert len(sounds) == 12
    assert {path.name: path.read_bytes() for path in run.glob("audio/*.wav")} == sounds
