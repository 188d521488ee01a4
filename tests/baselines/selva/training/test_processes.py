"""How many processes train together, on what, and what they tell one another."""

from types import SimpleNamespace

import pytest

from baselines.selva.training import processes
from baselines.selva.training.processes import everywhere, of_the_first, parts_of, processes_on


def test_one_process_has_what_all_have():
    alone = SimpleNamespace(num_processes=1)
    assert everywhere(alone, ["clip03"]) == ["clip03"]
    assert of_the_first(alone, 4) == 4


@pytest.mark.parametrize(
    ("batch", "count", "micro_batch", "parts"), [(12, 1, None, 1), (12, 1, 4, 3), (12, 3, 2, 2), (12, 3, None, 1)]
)
def test_a_process_cuts_its_share_of_a_batch_into_equal_parts(batch, count, micro_batch, parts):
    assert parts_of(batch, count, micro_batch) == parts


def test_parts_that_do_not_make_up_a_process_share_are_refused():
    with pytest.raises(
        ValueError, match="an even number that divides 4, the clips that a process has of a batch of 12"
    ):
        parts_of(12, 3, 12)


def test_a_device_that_is_not_here_is_refused_before_anything_begins():
    with pytest.raises(ValueError, match="expected cpu, cuda"):
        processes_on("gpu")


def test_several_processes_cannot_share_one_gpu(monkeypatch):
    monkeypatch.setattr(processes, "check_device", lambda _name: None)
    several = SimpleNamespace(num_processes=2)
    monkeypatch.setattr(processes, "load_extra", lambda *_, **__: SimpleNamespace(PartialState=lambda **_: several))
    with pytest.raises(ValueError, match="cuda:1 is one GPU, and 2 processes train together"):
        processes_on("cuda:1")
