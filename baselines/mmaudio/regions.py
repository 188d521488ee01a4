"""Which parts of the networks are compiled or fused: the blocks that repeat, each kind once, not whole networks.

A block compiles in seconds and serves all its copies, where a whole network takes minutes. It is compiled for sizes as
they are, which makes faster code than sizes that may vary do; what may be smaller at the end runs as it is then.
"""

# Modules of torch are typed Any.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from baselines.mmaudio.transformer import JointBlock, StreamBlock
from baselines.mmaudio.vocoder import SmoothSnake
from foundation.devices import KERNELS
from metrics.backbones.synchformer.video import DividedAttention, SpaceTimeBlock

log = logging.getLogger(__name__)

# Kind of block to whether fewer may come: the last segments of a trunk may be, the sampler's batches are filled up.
REGIONS: Mapping[type[nn.Module], bool] = {
    JointBlock: False,
    StreamBlock: False,
    SpaceTimeBlock: True,
}

FUSED = (SmoothSnake, DividedAttention)


def compile_regions(*networks: nn.Module, compiler: Callable[..., Any] = torch.compile) -> int:
    """Let every block of a known kind run compiled, or by kernels of our own; return how many blocks there are.

    Args:
        networks: changed in place; what they compute stays the same but for rounding.
        compiler: `torch.compile`, or a stand-in for it.
    """
    if not KERNELS:
        log.warning("no triton, or no C compiler: the vocoder and attention along time run by torch's own kernels")
    compiled: dict[type[nn.Module], Any] = {}
    count = 0
    for module in (module for network in networks for module in network.modules()):
        kind = type(module)
        if kind in REGIONS:
            if kind not in compiled:
                static = compiler(kind.forward, dynamic=False)
                compiled[kind] = Largest(static, kind.forward) if REGIONS[kind] else static
            module.forward = MethodType(compiled[kind], module)
            count += 1
        if kind in FUSED:
            setattr(module, "fused", KERNELS)  # noqa: B010 - torch types every attribute as a tensor or module
            count += KERNELS
    return count


class Largest:
    """Runs compiled what is as large as the largest yet, and what is smaller as it is.

    So a part that is left over at the end costs no compilation.
    """

    def __init__(self, compiled: Callable[..., Any], plain: Callable[..., Any]) -> None:
        """Take both ways to run a block's `forward`."""
        self._compiled, self._plain = compiled, plain
        self._largest = 0

    def __call__(self, module: nn.Module, x: Tensor) -> Any:
        """Return what `forward` returns for (n, ...)."""
        self._largest = max(self._largest, len(x))
        return (self._compiled if len(x) == self._largest else self._plain)(module, x)
