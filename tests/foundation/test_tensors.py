"""Files of tensors."""

import os

import pytest
import torch
from safetensors.torch import load_file

from foundation import tensors
from foundation.files import WriteFailed
from foundation.tensors import save_tensors


@pytest.mark.parametrize("mask", [0o022, 0o007, 0o077])
def test_a_file_may_be_read_by_whoever_may_read_what_this_process_writes(tmp_path, mask):
    before = os.umask(mask)
    try:
        save_tensors({"x": torch.ones(3)}, tmp_path / "x.safetensors", {"of": "ones"})
    finally:
        os.umask(before)
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == 0o666 & ~mask
    assert torch.equal(load_file(tmp_path / "x.safetensors")["x"], torch.ones(3))


def test_a_file_that_cannot_be_written_leaves_the_one_before_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_tensors({"x": torch.ones(3)}, path, {})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(WriteFailed, match=r"x\.safetensors"):
        tensors.save_tensors({"x": torch.zeros(3)}, path, {})
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(load_file(path)["x"], torch.ones(3))
