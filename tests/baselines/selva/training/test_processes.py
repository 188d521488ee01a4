"""How many processes train together, on what, and what they tell one another."""

from types import SimpleNamespace

import pytest

from baselines.selva.training import processes
from baselines.selva.training.processes import accelerator_for, everywhere, of_the_first, parts_of, processes_on


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
    monkeypatch.setattr(processes, "_forget_earlier_runs", lambda: None)
    several = SimpleNamespace(num_processes=2)
    monkeypatch.setattr(processes, "load_extra", lambda *_, **__: SimpleNamespace(PartialState=lambda **_: several))
    with pytest.raises(ValueError, match="cuda:1 is one GPU, and 2 processes train together"):
        processes_on("cuda:1")


def test_a_process_that_trained_in_one_precision_trains_in_another(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    for precision, known in (("fp32", "no"), ("bf16", "bf16"), ("fp32", "no")):
        assert accelerator_for(processes_on("cpu"), 4, precision).mixed_precision == known


def test_what_the_environment_says_of_accumulation_changes_nothing(monkeypatch):
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "3")
    for micro_batch, parts in ((None, 1), (2, 4)):
        assert accelerator_for(processes_on("cpu"), 8, "fp32", micro_batch).gradient_accumulation_steps == parts
