"""Attention along time as one GPU kernel: eight steps at each of 196 positions, too small for the general kernels.

A position's eight queries see its own eight keys and the class token's. General attention kernels work on tiles of 64
queries or more, so they spend an eighth of their time on what is wanted; here one tile holds eight positions, and a
mask keeps them apart. Keys and values are read where the projection left them.
"""

# Functions of triton are untyped.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

POSITIONS_IN_TILE = 8


@triton.jit
def _attend(
    qkv, out, positions, scale, token_stride, HEADS: tl.constexpr, D: tl.constexpr, STEPS: tl.constexpr, P: tl.constexpr
):  # fmt: skip
    """One tile: P positions x STEPS steps of one head of one segment, row `step * P + position`."""
    segment, head = tl.program_id(1) // HEADS, tl.program_id(1) % HEADS
    row = tl.arange(0, STEPS * P)
    place = tl.program_id(0) * P + row % P
    there = place < positions
    token = 1 + (row // P) * positions + place
    width = HEADS * D
    channel = head * D + tl.arange(0, D)
    start = qkv + segment.to(tl.int64) * (1 + STEPS * positions) * token_stride
    rows = start + token[:, None] * token_stride + channel[None, :]
    query = tl.load(rows, mask=there[:, None], other=0.0)
    key = tl.load(rows + width, mask=there[:, None], other=0.0)
    value = tl.load(rows + 2 * width, mask=there[:, None], other=0.0)
    class_key = tl.load(start + width + channel).to(tl.float32)
    class_value = tl.load(start + 2 * width + channel).to(tl.float32)

    scores = tl.dot(query, tl.trans(key)).to(tl.float32) * scale
    scores = tl.where((row % P)[:, None] == (row % P)[None, :], scores, -float("inf"))
    class_score = tl.sum(query.to(tl.float32) * class_key[None, :], axis=1) * scale
    highest = tl.maximum(tl.max(scores, axis=1), class_score)
    weights = tl.exp(scores - highest[:, None])
    class_weight = tl.exp(class_score - highest)
    total = tl.sum(weights, axis=1) + class_weight
    gathered = tl.dot(weights.to(value.dtype), value).to(tl.float32) + class_weight[:, None] * class_value[None, :]
    gathered = gathered / total[:, None]

    target = out + segment.to(tl.int64) * (1 + STEPS * positions) * width
    target += token[:, None] * width + channel[None, :]
    tl.store(target, gathered.to(out.dtype.element_ty), mask=there[:, None])


def attend_along_time(qkv: Tensor, out: Tensor, heads: int, steps: int) -> None:
    """Write what every patch token gathers along time into `out`; the row of the class token is left alone.

    Args:
        qkv: float (b, 1 + steps * positions, 3 * width), query, key and value side by side, class token first, then
            time-major; contiguous.
        out: (b, 1 + steps * positions, width), contiguous; written but for its first row.
        heads: of `width / heads` channels each, a power of two from 16 on.
        steps: a power of two from 2 on.
    """
    batch, tokens, width = out.shape
    positions = (tokens - 1) // steps
    kernel: Any = _attend[(triton.cdiv(positions, POSITIONS_IN_TILE), batch * heads)]
    kernel(
        qkv, out, positions, (width // heads) ** -0.5, qkv.stride(1),
        HEADS=heads, D=width // heads, STEPS=steps, P=POSITIONS_IN_TILE,
    )  # fmt: skip
