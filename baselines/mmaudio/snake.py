"""BigVGAN's activation on a GPU: two kernels in place of seven passes over memory.

The first doubles the rate and bends, the second filters and halves it again. What is computed is `SmoothSnake.forward`
in float32, in another order of summation: the taps by phase, since every second input of the doubled rate is zero.
"""

# Functions of triton are untyped.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

TAPS = 12
BLOCK = 512


@triton.jit
def _double_and_bend(x, out, taps, alpha, beta, channels, time, TAPS: tl.constexpr, BLOCK: tl.constexpr):
    """Row `program_id(0)` of x (rows, time) to out (rows, 2 * time): interpolate, then x + sin(a x)^2 / b."""
    row, at = tl.program_id(0), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    start = x + row.to(tl.int64) * time
    even = tl.zeros((BLOCK,), tl.float32)
    odd = tl.zeros((BLOCK,), tl.float32)
    for tap in tl.static_range(TAPS // 2):
        earlier = tl.minimum(tl.maximum(at + TAPS // 6 - tap, 0), time - 1)
        later = tl.minimum(tl.maximum(at + TAPS // 6 + 1 - tap, 0), time - 1)
        even += 2 * tl.load(taps + 2 * tap + 1) * tl.load(start + earlier).to(tl.float32)
        odd += 2 * tl.load(taps + 2 * tap) * tl.load(start + later).to(tl.float32)
    frequency = tl.exp(tl.load(alpha + row % channels).to(tl.float32))
    strength = 1 / (tl.exp(tl.load(beta + row % channels).to(tl.float32)) + 1e-9)
    even_wave, odd_wave = tl.sin(even * frequency), tl.sin(odd * frequency)
    even += strength * even_wave * even_wave
    odd += strength * odd_wave * odd_wave
    place = tl.program_id(1) * 2 * BLOCK + tl.arange(0, 2 * BLOCK)
    tl.store(out + row.to(tl.int64) * 2 * time + place, tl.interleave(even, odd), mask=place < 2 * time)


@triton.jit
def _filter_and_halve(x, out, taps, time, TAPS: tl.constexpr, BLOCK: tl.constexpr):
    """Row `program_id(0)` of x (rows, 2 * time) to out (rows, time)."""
    row, at = tl.program_id(0), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    start = x + row.to(tl.int64) * 2 * time
    total = tl.zeros((BLOCK,), tl.float32)
    for tap in tl.static_range(TAPS):
        place = tl.minimum(tl.maximum(2 * at + tap - (TAPS // 2 - 1), 0), 2 * time - 1)
        total += tl.load(taps + tap) * tl.load(start + place)
    tl.store(out + row.to(tl.int64) * time + at, total.to(out.dtype.element_ty), mask=at < time)


def smooth_snake(x: Tensor, alpha: Tensor, beta: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """Return the activation of float (batch, channels, time), of the same shape and dtype.

    Args:
        x: the signal.
        alpha: (channels,), logarithm of the frequency.
        beta: (channels,), logarithm of what the bend is divided by.
        up: the interpolating low-pass, 12 taps.
        down: the decimating low-pass, 12 taps.
    """
    x = x.contiguous()
    batch, channels, time = x.shape
    bent = torch.empty((batch, channels, 2 * time), dtype=torch.float32, device=x.device)
    out = torch.empty_like(x)
    grid = (batch * channels, triton.cdiv(time, BLOCK))
    double: Any = _double_and_bend[grid]
    double(x, bent, up.flatten().float(), alpha, beta, channels, time, TAPS=TAPS, BLOCK=BLOCK)
    halve: Any = _filter_and_halve[grid]
    halve(bent, out, down.flatten().float(), time, TAPS=TAPS, BLOCK=BLOCK)
    return out
