"""Drivers as actors of a Ray cluster; needs the extra `ray`.

Plain actors: Ray places them over the nodes, gives each its GPU, and starts again those that die or whose node is
lost, a bounded number of times. It moves an order there and a folder's name back; nothing else goes through its object
store. Scenes are decoded by worker processes of each driver, on the cores that the actor has.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.executors.orders import Order
from benchmark.executors.outcomes import RESTARTS, Outcome, Tally, check_count, outcome_of, watching
from foundation.work import Progress

OBJECT_STORE_BYTES = 100 * 2**20  # of a cluster that is begun here; Ray's own default is 30 % of the memory
TOGETHER_SECONDS = 15.0  # in which the others come back when one has come back with the run
LOOK_SECONDS = 1.0
PASSED_ON = ("VGG_MONOAUDIO_", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # beginnings of names

log = logging.getLogger(__name__)


class RayMissing(Exception):
    """The package ray is not installed."""


class FolderMissing(Exception):
    """A node of the cluster does not have the folder that the command was given in."""


@dataclass(frozen=True)
class Share:
    """What each driver has of the cluster.

    Attributes:
        drivers: how many there are.
        cpus: cores of each, on which it decodes.
        gpus: GPUs of each, 0 or 1.
    """

    drivers: int
    cpus: int
    gpus: int


def drive_on_ray(
    order: Order, *, drivers: int | None = None, address: str | None = None, progress: Progress | None = None
) -> str:
    """Let actors of a Ray cluster do one piece of work together; return the run directory.

    Runs, benchmark, cache and weights have to lie where every node finds them under the same names. Drivers work in
    the folder of this process.

    Args:
        order: what to do; where it names the device cpu, drivers ask for no GPU.
        drivers: how many; None: one for each GPU of the cluster, else one for each node.
        address: of the cluster; None: that of $RAY_ADDRESS, else one that is begun on this machine and ended with the
            work. A cluster that this process is connected to already is used, whatever the address.
        progress: called as sounds appear.

    Raises:
        RayMissing: without the extra.
        ValueError: more drivers than the cluster can run at once.
        ConnectionError: there is no cluster at the address.
        Exception: what a driver raised, as itself, where none finished the work.
        DriversLost: every driver died, and again each time Ray started it.
    """
    ray = _ray()
    with _connected(ray, address):
        share = share_of(ray.nodes(), drivers, gpus_wanted=order.device is None or order.device.startswith("cuda"))
        if order.workers is None:
            order = order.with_workers(share.cpus)
        return _work(ray, order, share, progress)


def share_of(nodes: list[Mapping[str, Any]], drivers: int | None, *, gpus_wanted: bool) -> Share:
    """Return how a cluster is shared among drivers.

    Args:
        nodes: as `ray.nodes()` tells them.
        drivers: how many; None: one for each GPU, else one for each node.
        gpus_wanted: whether drivers are to have a GPU where there are any.

    Raises:
        ValueError: more drivers than the cluster can run at once, or no node that could run one.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    with_gpus = [resources for resources in alive if resources.get("GPU", 0) >= 1] if gpus_wanted else []
    if not alive:
        raise ValueError("no node of the Ray cluster has a core to give; start one with `ray start --num-cpus`")
    usable = with_gpus or alive
    places = int(sum(resources["GPU" if with_gpus else "CPU"] for resources in usable))
    count = drivers if drivers is not None else (places if with_gpus else len(alive))
    check_count(count)
    if count > places:
        what = "GPUs" if with_gpus else "cores"
        raise ValueError(f"--drivers: {count} asked for, and the Ray cluster has {places} {what}; ask for as many")
    fewest = min(int(resources["CPU"]) for resources in usable)
    on_one = max(int(resources["GPU"]) for resources in with_gpus) if with_gpus else math.ceil(count / len(alive))
    return Share(count, max(1, fewest // max(1, on_one)), 1 if with_gpus else 0)


class Driver:
    """One driver; an actor on the cluster."""

    def __init__(self, folder: str, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)
        self._folder = folder

    def drive(self, order: Order, device: str | None) -> Outcome:
        """Do the order in the folder that it was given in; see `outcome_of`."""

        def work() -> str:
            _enter(self._folder)
            return order.drive(device)

        return outcome_of(work)


def _enter(folder: str) -> None:
    """Make a folder the current one.

    Raises:
        FolderMissing: this node does not have it.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise FolderMissing(
            f"{socket.gethostname()} does not have {folder}, which the command was given in: {error.strerror}; give it "
            "in a folder that all nodes of the cluster share"
        ) from error


def _work(ray: Any, order: Order, share: Share, progress: Progress | None) -> str:
    """Start the actors and wait for the first that comes back with the run; see `drive_on_ray`."""
    actor = ray.remote(
        num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=RESTARTS, max_task_retries=RESTARTS,
        scheduling_strategy="SPREAD",
    )(Driver)  # fmt: skip
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    look, tally = watching(order, progress), Tally()
    actors = [actor.remote(os.fspath(Path.cwd()), variables) for _ in range(share.drivers)]
    waiting = {actor.drive.remote(order, order.device): number for number, actor in enumerate(actors)}
    until: float | None = None
    try:
        while waiting and (until is None or time.monotonic() < until):
            ready, _ = ray.wait(list(waiting), timeout=LOOK_SECONDS)
            look()
            for reference in ready:
                _hear(ray, tally, waiting.pop(reference), reference)
            if tally.directory is not None and until is None:
                until = time.monotonic() + TOGETHER_SECONDS
    finally:
        for each in actors:
            ray.kill(each)
    return tally.result()


def _hear(ray: Any, tally: Tally, number: int, reference: Any) -> None:
    """Take what an actor came back with, or that Ray has given it up."""
    try:
        tally.add(number, ray.get(reference))
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        tally.give_up(number, first[0])


def _ray() -> Any:
    """Return the module ray.

    Raises:
        RayMissing: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers otherwise
    try:
        import ray
    except ImportError as error:
        raise RayMissing(
            f'--executor ray needs the package ray ({error}); get it with: pip install "vgg-monoaudio[ray]"'
        ) from error
    return ray


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster; leave it again unless this process was connected before."""
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        try:
            ray.init(address=address, logging_level=logging.WARNING)
        except ValueError as error:
            raise ValueError(
                f"--ray-address: expected an address such as head:6379, got {address!r}: {error}"
            ) from error
    else:
        ray.init(
            address="local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES,
            logging_level=logging.WARNING,
        )  # fmt: skip
    try:
        yield
    finally:
        ray.shutdown()
