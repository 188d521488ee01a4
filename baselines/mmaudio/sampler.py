"""Flow-matching sampler: from noise at t = 0 to a latent at t = 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def euler(velocity: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int = 25) -> Tensor:
    """Return the latent at t = 1, following the velocity field in equal Euler steps from the noise.

    The field is evaluated at the left end of every step, so t = 1 itself is never asked for.

    Args:
        velocity: (latent, t) -> d latent / d t, of the latent's shape; t is a scalar tensor in [0, 1).
        noise: standard normal, any shape, the latent at t = 0.
        steps: evaluations of the field, at least 1.

    Raises:
        ValueError: fewer than one step.

    Source:
        MMAudio 974010a, its Euler mode with minimal sigma 0 (25 steps by default there and in the SELVA paper).
    """
    if steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    times = torch.linspace(0, 1, steps + 1, device=noise.device)
    latent = noise
    for step in range(steps):
        latent = latent + (times[step + 1] - times[step]) * velocity(latent, times[step])
    return latent
