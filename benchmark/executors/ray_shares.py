"""How a Ray cluster is shared: drivers with a GPU each, the cores they decode on, readers on the cores left over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.executors.outcomes import check_count

Node = Mapping[str, Any]  # as `ray.nodes()` tells it


@dataclass(frozen=True)
class Share:
    """What each driver has of the cluster, and what is left.

    Attributes:
        drivers: how many there are.
        cpus: cores of each, on which it decodes.
        gpus: GPUs of each, 0 or 1.
        readers: cores that decode for all drivers, beside those.
    """

    drivers: int
    cpus: int
    gpus: int
    readers: int = 0


@dataclass(frozen=True)
class Seat:
    """A core for a reader.

    Attributes:
        node: id of its node.
        host: the node's name, for messages.
    """

    node: str
    host: str


def share_of(nodes: Sequence[Node], drivers: int | None, *, gpus_wanted: bool, readers: int | None = None) -> Share:
    """Return how a cluster is shared among drivers and readers.

    Args:
        nodes: as `ray.nodes()` tells them.
        drivers: how many; None: one for each GPU, else one for each node.
        gpus_wanted: whether drivers are to have a GPU where there are any.
        readers: how many; None: one for each core that no driver has.

    Raises:
        ValueError: more drivers or readers than the cluster can run at once, or no node that could run one.
    """
    alive = [node["Resources"] for node in nodes if _usable(node)]
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
    cpus = max(1, fewest // max(1, on_one))
    left = max(0, sum(int(resources["CPU"]) for resources in alive) - count * cpus)
    if readers is not None and readers > left:
        raise ValueError(
            f"--readers: {readers} asked for, and the Ray cluster has {left} cores beside those of its {count} "
            "drivers; ask for as many, or leave it out"
        )
    return Share(count, cpus, 1 if with_gpus else 0, left if readers is None else readers)


def seats_of(nodes: Sequence[Node], homes: Sequence[str | None], share: Share) -> list[list[Seat]]:
    """Return where the readers of each driver are to be.

    Each driver has its part of every node, as even as can be, so that a node that is lost costs all the same. Nodes
    without a driver come first. A core is kept for drivers wherever one that has no place yet may get it.

    Args:
        nodes: as `ray.nodes()` tells them.
        homes: of each driver, the id of the node that it is on; None: it has no place yet.
        share: as `share_of` made it.

    Returns:
        Of each driver its seats; fewer in all than `share.readers` where there is no room for more.
    """
    waiting = sum(home is None for home in homes)
    seats: list[Seat] = []
    for node in sorted(filter(_usable, nodes), key=lambda node: node["NodeID"] in homes):
        resources, here = node["Resources"], sum(home == node["NodeID"] for home in homes)
        room = int(resources.get("GPU", 0)) - here if share.gpus else waiting
        kept = here + min(waiting, max(0, room))
        free = max(0, int(resources["CPU"]) - kept * share.cpus)
        seats += [Seat(node["NodeID"], node.get("NodeManagerHostname", ""))] * free
    seats = seats[: share.readers]
    return [seats[number :: share.drivers] for number in range(share.drivers)]


def _usable(node: Node) -> bool:
    return bool(node["Alive"]) and node["Resources"].get("CPU", 0) >= 1
