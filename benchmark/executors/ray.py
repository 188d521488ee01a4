"""Drivers as actors of a Ray cluster; needs the extra `ray`.

Plain actors: Ray places them over the nodes, gives each its GPU, and starts again those that die or whose node is
lost, a bounded number of times. It moves an order there and a folder's name back. Scenes are decoded by worker
processes of each driver, on the cores that the actor has, and by its readers on cores that no driver has, see
`ray_readers`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.executors.orders import Order
from benchmark.executors.outcomes import RESTARTS, Outcome, Tally, outcome_of, watching
from benchmark.executors.ray_folder import enter, sight_of
from benchmark.executors.ray_readers import reading_with
from benchmark.executors.ray_shares import Seat, Share, seats_of, share_of
from foundation.extras import command_for
from foundation.work import Progress

OBJECT_STORE_BYTES = 100 * 2**20  # of a cluster that is begun here; Ray's own default is 30 % of the memory
TOGETHER_SECONDS = 15.0  # in which the others come back when one has come back with the run
LOOK_SECONDS = 1.0
PLACED_SECONDS = 30.0  # for drivers to have a place; for those that have none by then cores are kept free of readers
PASSED_ON = ("VGG_MONOAUDIO_", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # beginnings of names

log = logging.getLogger(__name__)


class RayMissing(Exception):
    """The package ray is not installed."""


def drive_on_ray(
    order: Order,
    *,
    drivers: int | None = None,
    readers: int | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> str:
    """Let actors of a Ray cluster do one piece of work together; return the run directory.

    Runs, benchmark, cache and weights have to lie where every node finds them under the same names. Drivers work in
    the folder of this process.

    Args:
        order: what to do; where it names the device cpu, drivers ask for no GPU.
        drivers: how many; None: one for each GPU of the cluster, else one for each node.
        readers: actors without a GPU that decode for the drivers, beside the cores of these; None: one for each core
            that no driver has, 0: none. Results do not depend on it.
        address: of the cluster; None: that of $RAY_ADDRESS, else one that is begun on this machine and ended with the
            work. A cluster that this process is connected to already is used, whatever the address.
        progress: called as sounds appear.

    Raises:
        RayMissing: without the extra.
        ValueError: more drivers or readers than the cluster can run at once, or readers for an order that has no use
            for them.
        ConnectionError: there is no cluster at the address.
        Exception: what a driver raised, as itself, where none finished the work.
        DriversLost: every driver died, and again each time Ray started it.
    """
    readers = _readers_for(order, readers)
    ray = _ray()
    with _connected(ray, address):
        gpus_wanted = order.device is None or order.device.startswith("cuda")
        share = share_of(ray.nodes(), drivers, gpus_wanted=gpus_wanted, readers=readers)
        if order.workers is None:
            order = order.with_workers(share.cpus)
        return _work(ray, order, share, progress)


def _readers_for(order: Order, readers: int | None) -> int | None:
    """Return how many readers are wanted for an order.

    Raises:
        ValueError: a number that is none, or readers for an order that has no use for them.
    """
    if readers is not None and (isinstance(readers, bool) or not isinstance(readers, int) or readers < 0):
        raise ValueError(f"--readers: expected 0 or more, got {readers!r}")
    if order.workers == 0:
        reason = "--workers 0 decodes in the drivers; leave it out"
    elif order.decoded() is None:
        reason = "what is on an object store is read where each driver keeps its copy; leave it out"
    else:
        return readers
    if readers:
        raise ValueError(f"--readers {readers}: {reason}")
    return 0


class Driver:
    """One driver; an actor on the cluster."""

    def __init__(self, folder: str, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)
        self._folder, self._variables = folder, variables

    def node(self) -> str:
        """Return the id of the node that it is on."""
        return str(_ray().get_runtime_context().get_node_id())

    def drive(self, order: Order, device: str | None, seats: Sequence[Seat]) -> Outcome:
        """Do the order in the folder that it was given in, with readers in these seats; see `outcome_of`."""

        def work() -> str:
            enter(self._folder)
            place, seen = (self._folder, self._variables), sight_of(order.decoded() or ())
            with reading_with(_ray(), seats, order.workers or 1, place, seen):
                return order.drive(device)

        return outcome_of(work)


def _work(ray: Any, order: Order, share: Share, progress: Progress | None) -> str:
    """Start the actors and wait for the first that comes back with the run; see `drive_on_ray`."""
    actor = ray.remote(
        num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=RESTARTS, max_task_retries=RESTARTS,
        scheduling_strategy="SPREAD",
    )(Driver)  # fmt: skip
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    look, tally = watching(order, progress), Tally()
    actors = [actor.remote(os.fspath(Path.cwd()), variables) for _ in range(share.drivers)]
    until: float | None = None
    try:
        parts = _seats(ray, actors, share)
        waiting = {
            actor.drive.remote(order, order.device, seats): number
            for number, (actor, seats) in enumerate(zip(actors, parts, strict=True))
        }
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


def _seats(ray: Any, actors: Sequence[Any], share: Share) -> list[list[Seat]]:
    """Return where the readers of each driver are to be, now that it is known where these are."""
    if not share.readers:
        return [[] for _ in actors]
    asked = [actor.node.remote() for actor in actors]
    there, _ = ray.wait(asked, num_returns=len(asked), timeout=PLACED_SECONDS)
    seats = seats_of(ray.nodes(), [_home(ray, one) if one in there else None for one in asked], share)
    count = sum(map(len, seats))
    if count < share.readers:
        log.warning("%d readers of %d have a place beside the drivers", count, share.readers)
    return seats


def _home(ray: Any, reference: Any) -> str | None:
    """Return the node of a driver; None where it died before it could say."""
    try:
        return str(ray.get(reference))
    except ray.exceptions.RayError:
        return None


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
        raise RayMissing(f"--executor ray needs the package ray ({error}); to get it: {command_for('ray')}") from error
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
