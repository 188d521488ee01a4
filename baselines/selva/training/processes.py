"""The processes that train together, one a GPU, as accelerate or torchrun started them; mostly there is one."""

# Some functions of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch

from foundation.devices import check_device
from foundation.extras import load_extra

Thing = TypeVar("Thing")

# The others wait while the first process measures scores or writes a checkpoint.
_PATIENCE = timedelta(hours=12)


def processes_on(device: str | None) -> Any:
    """Return `accelerate.PartialState`: which process this is, of how many, and its device.

    Args:
        device: cpu, cuda, or cuda:N for one process; None: each process takes its GPU, where there are any.

    Raises:
        ValueError: the device is not here, or is one for several processes.
        foundation.extras.MissingPackage: accelerate is not installed; says how to get it.
    """
    accelerate = load_extra("accelerate", "train", needed_by="training")
    check_device(device)
    _forget_earlier_runs()
    processes = accelerate.PartialState(cpu=device == "cpu", timeout=_PATIENCE)
    if device is not None and ":" in device:
        if processes.num_processes > 1:
            raise ValueError(
                f"device: {device} is one GPU, and {processes.num_processes} processes train together; "
                "say cuda, and choose GPUs by CUDA_VISIBLE_DEVICES"
            )
        torch.cuda.set_device(torch.device(device))
    return processes


def _forget_earlier_runs() -> None:
    """Let a process train once more, on another device or in another precision: accelerate keeps those of the first."""
    state = load_extra("accelerate.state", "train", needed_by="training").AcceleratorState
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    state._reset_state(reset_partial_state=not together)  # nothing public does it


def accelerator_for(
    processes: Any, batch: int, precision: Literal["bf16", "fp32"], micro_batch: int | None = None
) -> Any:
    """Return an `accelerate.Accelerator` for a stage.

    Args:
        processes: from `processes_on`.
        batch: clips a step, over all processes.
        precision: of the networks; bf16 is automatic mixed precision.
        micro_batch: clips that go through the networks at once; None: all that a process has.

    Raises:
        ValueError: the batch cannot be cut so.
    """
    accelerate = load_extra("accelerate", "train", needed_by="training")
    utilities = load_extra("accelerate.utils", "train", needed_by="training")
    parts = parts_of(batch, processes.num_processes, micro_batch)
    return accelerate.Accelerator(
        cpu=processes.device.type == "cpu",
        mixed_precision="bf16" if precision == "bf16" else "no",
        # A plain number would yield to the environment's ACCELERATE_GRADIENT_ACCUMULATION_STEPS.
        gradient_accumulation_plugin=utilities.GradientAccumulationPlugin(num_steps=parts),
        step_scheduler_with_optimizer=False,  # else the rate would rise once for every process
    )


def parts_of(batch: int, processes: int, micro_batch: int | None) -> int:
    """Return into how many parts a process cuts what it has of a batch.

    Raises:
        ValueError: parts of that size are odd, or do not make up a process's share.
    """
    own = batch // processes
    if micro_batch is None:
        return 1
    if micro_batch < 2 or micro_batch % 2 or own % micro_batch:
        raise ValueError(
            f"micro_batch: expected an even number that divides {own}, the clips that a process has of a batch of "
            f"{batch}, got {micro_batch}"
        )
    return own // micro_batch


def everywhere(accelerator: Any, own: Sequence[Thing]) -> list[Thing]:
    """Return what all processes have, in the order of their ranks; every process has to ask."""
    if accelerator.num_processes == 1:
        return list(own)
    return load_extra("accelerate.utils", "train", needed_by="training").gather_object(list(own))


def of_the_first(accelerator: Any, own: Thing) -> Thing:
    """Return to every process what the first one has; every process has to ask."""
    if accelerator.num_processes == 1:
        return own
    utilities = load_extra("accelerate.utils", "train", needed_by="training")
    (said,) = utilities.broadcast_object_list([own])
    return said
