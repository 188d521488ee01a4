"""What a stage measures, kept twice: as rows of its curve, and for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from baselines.selva.training.curve import SCORE
from baselines.selva.training.run_folder import StageFolder
from foundation.extras import load_extra


class Logbook:
    """Rows of values by step; rows of later steps than the one that a run goes on from are taken back."""

    def __init__(self, folder: StageFolder, done: int) -> None:
        """Take the stage's folder, and how many steps were done before; 0 for a stage that begins."""
        self._curve = folder.curve
        self._curve.cut(done if done else -1)  # a stage that begins measures step 0 too
        tensorboard = load_extra("torch.utils.tensorboard", "train", needed_by="training")
        self._writer: Any = tensorboard.SummaryWriter(str(folder.tensorboard), purge_step=done + 1 if done else 0)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring everything to the files."""
        self._writer.close()

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Add what was measured at a step."""
        self._curve.append(step, values)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Bring what TensorBoard's writer holds back to its file; the curve holds nothing back."""
        self._writer.flush()

    def is_scored(self, step: int) -> bool:
        """Tell whether the suite's scores of a step are there."""
        return any(
            row.step == step and any(name.startswith(SCORE) for name in row.values) for row in self._curve.read()
        )
