"""How a Ray cluster is shared among drivers and readers; no cluster is needed for that."""

import pytest

from benchmark.executors.ray_shares import Seat, Share, seats_of, share_of


def node(cpus, gpus=0, alive=True, name="n"):
    resources = {"CPU": float(cpus), "GPU": float(gpus)}
    return {"Alive": alive, "NodeID": name, "NodeManagerHostname": f"host-{name}", "Resources": resources}


@pytest.mark.parametrize(
    ("nodes", "drivers", "wanted", "share"),
    [
        ([node(16, 1), node(16, 1)], None, True, Share(2, 16, 1, 0)),
        ([node(64, 4), node(8)], None, True, Share(4, 16, 1, 8)),
        ([node(64, 4), node(8)], None, False, Share(2, 8, 0, 56)),
        ([node(8, 8), node(96), node(96)], None, True, Share(8, 1, 1, 192)),
        ([node(4), node(4, alive=False)], None, True, Share(1, 4, 0, 0)),
        ([node(4), node(4)], 4, True, Share(4, 2, 0, 0)),
        ([node(4), node(4)], 1, True, Share(1, 4, 0, 4)),
        ([node(1, 1), node(0.5), node(2)], None, True, Share(1, 1, 1, 2)),
    ],
)
def test_a_cluster_is_shared_by_its_gpus_or_else_by_its_nodes_and_readers_have_the_other_cores(
    nodes, drivers, wanted, share
):
    assert share_of(nodes, drivers, gpus_wanted=wanted) == share


def test_as_many_readers_as_are_wanted():
    nodes = [node(64, 4), node(8)]
    assert share_of(nodes, None, gpus_wanted=True, readers=3) == Share(4, 16, 1, 3)
    assert share_of(nodes, None, gpus_wanted=True, readers=0) == Share(4, 16, 1, 0)


def test_more_than_a_cluster_has_room_for_is_refused():
    with pytest.raises(ValueError, match="--drivers: 3 asked for, and the Ray cluster has 2 GPUs"):
        share_of([node(16, 2)], 3, gpus_wanted=True)
    with pytest.raises(
        ValueError, match="--readers: 9 asked for, and the Ray cluster has 8 cores beside those of its 4"
    ):
        share_of([node(64, 4), node(8)], None, gpus_wanted=True, readers=9)
    with pytest.raises(ValueError, match="no node of the Ray cluster"):
        share_of([node(0)], None, gpus_wanted=True)


def hosts(parts):
    return [[seat.node for seat in part] for part in parts]


def test_every_driver_has_its_part_of_every_node_those_without_a_driver_first():
    nodes = [node(20, 2, name="gpu"), node(4, name="a"), node(5, name="b")]
    whole = seats_of(nodes, ["gpu", "gpu"], Share(2, 8, 1, 13))
    assert hosts(whole) == [["a", "a", "b", "b", "b", "gpu", "gpu"], ["a", "a", "b", "b", "gpu", "gpu"]]
    assert whole[0][0] == Seat("a", "host-a")
    assert hosts(seats_of(nodes, ["gpu", "gpu"], Share(2, 8, 1, 5))) == [["a", "a", "b"], ["a", "a"]]
    assert hosts(seats_of([node(1, name="a", alive=False)], ["b"], Share(1, 8, 1, 1))) == [[]]


def test_room_is_left_for_a_driver_wherever_it_may_come_to_be():
    cards = [node(10, 1, name="a"), node(10, 1, name="b"), node(3, name="c")]
    assert hosts(seats_of(cards, ["a", None], Share(2, 8, 1, 7))) == [["b", "c", "c", "a"], ["b", "c", "a"]]
    plain = [node(4, name="a"), node(4, name="b")]
    assert hosts(seats_of(plain, ["a"], Share(1, 4, 0, 4))) == [["b", "b", "b", "b"]]
    assert hosts(seats_of(plain, [None], Share(1, 4, 0, 4))) == [[]]
