"""The state of a stage on its way to a checkpoint and back: trained weights, optimiser, rate, averages.

accelerate writes and reads it. What is frozen is in no checkpoint, because the files that it came from are in the run's
record. Nor are accelerate's states of random generators, because no generator is carried from step to step, and its
count of parts of batches, whose size may be another one when the run goes on.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines.selva.training.checkpoints import Checkpoints
from baselines.selva.training.processes import of_the_first

_WEIGHTS, _AVERAGES = "model.safetensors", "averages.pt"  # the former is accelerate's name


class States:
    """Saves a stage and brings it back, in every process that works at it."""

    def __init__(
        self, accelerator: Any, checkpoints: Checkpoints, trained: Mapping[str, nn.Parameter], averages: Any
    ) -> None:
        """Take what a stage consists of.

        Args:
            accelerator: which has model, optimiser and scheduler already.
            checkpoints: where the states are kept.
            trained: the parameters that are trained, by name.
            averages: of them, as `ema.track` made it; None in all processes but the first.
        """
        self._accelerator, self._checkpoints = accelerator, checkpoints
        self._trained, self._averages = trained, averages
        self.saved = 0  # step of the last checkpoint
        accelerator.register_save_state_pre_hook(self._keep_trained)
        accelerator.register_load_state_pre_hook(self._restore_trained)

    def resume(self) -> int:
        """Bring everything to the last checkpoint that is whole; return its step, 0 where there is none.

        Raises:
            ValueError: it is of another recipe, store or stage.
        """
        found = None
        if self._accelerator.is_main_process:
            self._checkpoints.clear_partials()
            found = self._checkpoints.newest()
        checkpoint = of_the_first(self._accelerator, found)
        if checkpoint is None:
            return 0
        self._accelerator.load_state(str(checkpoint.path))
        if self._averages is not None:
            state = torch.load(checkpoint.path / _AVERAGES, map_location="cpu", weights_only=True)
            self._averages.load_state_dict(state)
        self.saved = checkpoint.step
        return self.saved

    def save(self, step: int) -> None:
        """Write the checkpoint of a step, unless it is there.

        Raises:
            CheckpointNotWritten: the disk is full; the last good one stays.
        """
        if step == self.saved:
            return
        if self._accelerator.is_main_process:
            self._checkpoints.write(step, self._fill)
        self.saved = step
        self._accelerator.wait_for_everyone()

    def _fill(self, folder: Path) -> None:
        self._accelerator.save_state(str(folder))
        for states_of_generators in folder.glob("random_states_*.pkl"):  # and a count of parts of batches
            states_of_generators.unlink()
        torch.save(self._averages.state_dict(), folder / _AVERAGES)

    def _keep_trained(self, _models: list[Any], states: list[dict[str, Tensor]], _folder: str) -> None:
        """Have accelerate save what is trained, under the network's own names."""
        states[:] = [{name: parameter.detach() for name, parameter in self._trained.items()}]

    @torch.no_grad()
    def _restore_trained(self, models: list[Any], folder: str) -> None:
        """Take back what `_keep_trained` saved; no model is left for accelerate to load."""
        models.clear()
        state = load_file(Path(folder) / _WEIGHTS)
        for name, parameter in self._trained.items():
            parameter.copy_(state[name])
