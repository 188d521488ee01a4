"""The learning rate over the steps, and the optimiser that both stages use.

Source:
    SELVA (arXiv:2512.02650, appendix A.3): AdamW, betas 0.9 and 0.95, weight decay 1e-6, a linear warm-up of 1,000
    steps. MMAudio 974010a: epsilon 1e-6, all parameters in one group, the form of the warm-up. What SELVA's rate does
    afterwards is published nowhere: by default it stays; MMAudio's own falls in two steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import Parameter

from baselines.selva.training.recipe import AfterWarmup, falls


def learning_rate_factor(
    step: int, warmup: int = 1000, *, after_warmup: AfterWarmup = "constant", steps: int | None = None
) -> float:
    """Return the factor on the learning rate, in (0, 1]: it rises linearly over the warm-up; then it stays or falls.

    Args:
        step: optimiser steps done before; 0 for the first one.
        warmup: steps of the rise; 0 for none.
        after_warmup: "constant", or a fall to a tenth once 80% of all steps are done after the warm-up, and to a
            hundredth at 90%. MMAudio's schedule counts them from the end of the warm-up, too.
        steps: of the whole stage; a fall needs them.

    Raises:
        ValueError: a negative number, or a fall without the number of steps.

    Source:
        MMAudio 974010a: 300,000 steps, `lr_schedule_steps` 240,000 and 270,000, `lr_schedule_gamma` 0.1.
    """
    if step < 0 or warmup < 0:
        raise ValueError(f"step and warmup: expected 0 or more, got {step} and {warmup}")
    if after_warmup == "constant" or step < warmup:
        return min(1.0, (step + 1) / (warmup + 1))
    if steps is None:
        raise ValueError(f"steps: expected how many the stage has, which {after_warmup!r} depends on, got none")
    return math.prod(0.1 for fall in falls(steps) if step - warmup >= fall)


def optimiser(
    parameters: Sequence[Parameter],
    learning_rate: float,
    *,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-6,
    weight_decay: float = 1e-6,
) -> torch.optim.AdamW:
    """Return AdamW over the parameters, in one group.

    Args:
        parameters: those that are trained, on the device on which they stay.
        learning_rate: after the warm-up.
        betas: shares of the old means of gradient and squared gradient that stay.
        epsilon: added to the root of the mean squared gradient. torch's own 1e-8 is a hundredth of this one, and
            moves weights of small gradients further.
        weight_decay: of every parameter alike, norms and biases included.

    Raises:
        ValueError: there is nothing to train.
    """
    parameters = list(parameters)
    if not parameters:
        raise ValueError("parameters: expected at least one to train, got none")
    fused = all(parameter.is_cuda for parameter in parameters)  # one kernel a step instead of hundreds
    return torch.optim.AdamW(
        parameters, lr=learning_rate, betas=betas, eps=epsilon, weight_decay=weight_decay, fused=fused
    )
