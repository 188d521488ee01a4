"""Devices: those that this machine does not have are said before weights are opened."""

import pytest
import torch

from foundation.devices import check_device


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
