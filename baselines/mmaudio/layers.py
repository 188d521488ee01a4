"""Building blocks that the diffusion transformer and SELVA's video encoder share."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD_WIDTH = 64  # channels of one attention head, in every variant
RMS_EPSILON = 1.1920929e-07  # float32's, also for bf16 weights: what the checkpoints were trained with
ROTARY_BASE = 10_000.0


class TimeConv(nn.Conv1d):
    """Same-length convolution over time on (batch, time, channel) tensors."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, inputs) to (batch, time, outputs)."""
        if x.is_cuda and x.dtype != torch.float32:
            return self.as_product(x)  # the library would transpose to and fro around each convolution
        return super().forward(x.transpose(1, 2)).transpose(1, 2)

    def as_product(self, x: Tensor) -> Tensor:
        """Return the same by one matrix product: of shifted copies, or with the shifts after it where that is less."""
        kernel, time = self.kernel_size[0], x.shape[1]
        if self.out_channels < self.in_channels:
            apart = F.linear(x, self.weight.permute(2, 0, 1).flatten(0, 1)).unflatten(-1, (kernel, -1))
            padded = F.pad(apart, (0, 0, 0, 0, kernel // 2, kernel // 2))
            taken = padded[:, :time, 0]
            for tap in range(1, kernel):
                taken = taken + padded[:, tap : tap + time, tap]
            return taken if self.bias is None else taken + self.bias
        padded = F.pad(x, (0, 0, kernel // 2, kernel // 2))
        shifted = torch.cat([padded[:, tap : tap + time] for tap in range(kernel)], dim=-1)
        return F.linear(shifted, self.weight.permute(0, 2, 1).flatten(1), self.bias)


def mixer(inputs: int, outputs: int, kernel: int | None, *, bias: bool = True) -> nn.Module:
    """Return a linear layer, or a convolution over time where a kernel is given."""
    if kernel is None:
        return nn.Linear(inputs, outputs, bias=bias)
    return TimeConv(inputs, outputs, kernel, bias=bias)


class GatedMLP(nn.Module):
    """`w2(silu(w1 x) * w3 x)` without biases; with a kernel, its three layers are convolutions over time."""

    def __init__(self, width: int, kernel: int | None = None) -> None:
        super().__init__()
        hidden = gated_width(width)
        self.w1 = mixer(width, hidden, kernel, bias=False)
        self.w2 = mixer(hidden, width, kernel, bias=False)
        self.w3 = mixer(width, hidden, kernel, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


def gated_width(width: int) -> int:
    """Return the hidden width of a gated MLP: two thirds of four times the width, up to a multiple of 256."""
    return -(-(8 * width // 3) // 256) * 256


class InterleavedHeads(nn.Module):
    """Splits a projection into per-head tensors where query, key and value alternate channel by channel.

    The checkpoints keep them innermost: output channel `(head * 64 + i) * parts + part`.
    """

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, projected: Tensor) -> tuple[Tensor, ...]:
        """Map (batch, tokens, parts * heads * 64) to `parts` tensors (batch, heads, tokens, 64)."""
        batch, tokens, channels = projected.shape
        heads = channels // (self.parts * HEAD_WIDTH)
        split = projected.view(batch, tokens, heads, HEAD_WIDTH, self.parts)
        return split.permute(4, 0, 2, 1, 3).unbind(0)


class HeadNorm(nn.RMSNorm):
    """Root mean square normalisation of each head.

    Under autocast the heads are of less precision than the weight. The reference, torch's own norm, then computes in
    that of the weight and rounds the result, warning that it takes its slow way; said outright, it takes the usual one.
    """

    def __init__(self) -> None:
        super().__init__(HEAD_WIDTH, eps=RMS_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., 64) to the same shape and type."""
        return super().forward(x.to(self.weight.dtype)).to(x.dtype)


class SelfAttentionInputs(nn.Module):
    """Queries, keys and values of one token stream: normalised per head, then rotated where a table is given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = HeadNorm()
        self.k_norm = HeadNorm()
        self._heads = InterleavedHeads(3)

    def forward(self, x: Tensor, rotation: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Map (batch, tokens, width) to query, key, value, each (batch, heads, tokens, 64)."""
        query, key, value = self._heads(self.qkv(x))
        query, key = self.q_norm(query), self.k_norm(key)
        if rotation is not None:
            query, key = rotate(query, rotation), rotate(key, rotation)
        return query, key, value


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return softmax attention with heads merged again: (batch, tokens, heads * 64).

    Args:
        query: (batch, heads, tokens, 64).
        key: (batch, heads, other tokens, 64).
        value: as `key`.
        mask: bool, broadcast to (batch, heads, tokens, other tokens), True where a token may be seen; None for all.
    """
    attended = F.scaled_dot_product_attention(query, key, value.contiguous(), attn_mask=mask)
    return attended.transpose(1, 2).flatten(2)


def rotary_table(tokens: int, *, frequency_scale: float = 1.0, device: torch.device | None = None) -> Tensor:
    """Return cosines and sines for rotary positions 0, 1, 2, ...: float32 (2, tokens, 32).

    Args:
        tokens: length of the stream.
        frequency_scale: how many positions of the latent stream one token spans, so that streams of different
            rates share a clock.
        device: where to build it.
    """
    # Frequencies and angles in float32, in this order: the weights were trained with these roundings.
    pairs = torch.arange(0, HEAD_WIDTH, 2, dtype=torch.float32, device=device)
    frequencies = frequency_scale / ROTARY_BASE ** (pairs / HEAD_WIDTH)
    angles = torch.arange(tokens, dtype=torch.float32, device=device)[:, None] * frequencies
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Rotate neighbouring channel pairs (2i, 2i + 1) of (batch, heads, tokens, 64) by the table's angles."""
    cosine, sine = table.unbind(0)
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1)
    return turned.flatten(-2).to(x.dtype)
