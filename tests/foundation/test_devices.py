"""Devices: those that this machine does not have are said before weights are opened."""

import numpy as np
import pytest
import torch

from foundation.devices import Uploader, check_device, chosen_device, free_bytes, numerics


def test_the_processor_and_no_choice_are_always_there():
    check_device(None)
    check_device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "meta"])
def test_what_is_no_device_is_refused(name):
    with pytest.raises(ValueError, match=f"device: expected cpu, cuda, cuda:N or mps, got {name!r}"):
        check_device(name)


def test_a_gpu_counts_by_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device: 'cuda' asked for, but torch sees no GPU here"):
        check_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_device("cuda")
    check_device("cuda:1")
    with pytest.raises(ValueError, match="device: 'cuda:2' asked for, but torch sees 2 here, cuda:0 to cuda:1"):
        check_device("cuda:2")


def test_a_gpu_of_another_maker_counts_where_it_is(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device: 'mps' asked for, but torch sees no such GPU here"):
        check_device("mps")


def test_the_device_chosen_is_the_one_named_else_a_gpu_that_torch_sees(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(chosen_device(None)) == "cpu"
    with pytest.raises(ValueError, match="torch sees no GPU here"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert str(chosen_device(None)) == "cuda"
    assert str(chosen_device("cpu")) == "cpu"


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_exact_is_float32_in_convolutions_too_and_what_was_set_comes_back():
    before = flags()
    with numerics("exact"):
        assert flags() == (False, False)
        with numerics("fast"):
            assert flags() == (True, True)
        assert flags() == (False, False)
    assert flags() == before
    with pytest.raises(RuntimeError, match="broken"), numerics("exact"):
        raise RuntimeError("broken")
    assert flags() == before


def test_arrays_are_staged_one_mapping_each_and_arrive_as_they_were():
    given = [{"a": np.arange(6, dtype=np.uint8).reshape(2, 3)}, {}, {"a": np.ones(2, np.float32), "b": np.zeros(1)}]
    arrived = Uploader(torch.device("cpu")).stage(given).take()
    assert [sorted(one) for one in arrived] == [["a"], [], ["a", "b"]]
    for one, had in zip(arrived, given, strict=True):
        for name, array in had.items():
            assert one[name].dtype == torch.from_numpy(array).dtype
            np.testing.assert_array_equal(one[name].numpy(), array)


def test_a_cpu_has_no_memory_of_a_gpu():
    assert free_bytes(torch.device("cpu")) is None


def test_what_a_gpu_holds_unused_counts_as_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10, 80))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 7)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5)
    assert free_bytes(torch.device("cuda")) == 12
