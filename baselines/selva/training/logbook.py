"""What a stage measures, kept twice: as rows of its curve, and for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from baselines.selva.training.run_folder import StageFolder
from foundation.extras import load_extra
from foundation.write_failures import naming_failures


class Logbook:
    """Rows of values by step; rows of later steps than the one that a run goes on from are taken back."""

    def __init__(self, folder: StageFolder, done: int) -> None:
        """Take the stage's folder, and how many steps were done before; 0 for a stage that begins."""
        self._curve = folder.curve
        self._curve.cut(done if done else -1)  # a stage that begins measures step 0 too
        tensorboard = load_extra("torch.utils.tensorboard", "train", needed_by="training")
        self._events = folder.tensorboard
        self._writer: Any = tensorboard.SummaryWriter(str(folder.tensorboard), purge_step=done + 1 if done else 0)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring everything to the files."""
        with self._naming_failures():
            self._writer.close()

    def row(self, step: int, values: Mapping[str, float], *, scoring: str | None = None) -> None:
        """Add what was measured at a step; TensorBoard has a panel of its own for each way of scoring."""
        self._curve.append(step, values, scoring=scoring)
        with self._naming_failures():
            for name, value in values.items():
                self._writer.add_scalar(name if scoring is None else f"{name}/{scoring}", value, step)

    def flush(self) -> None:
        """Bring what TensorBoard's writer holds back to its file; the curve holds nothing back."""
        with self._naming_failures():
            self._writer.flush()

    def _naming_failures(self) -> AbstractContextManager[None]:
        """TensorBoard writes in a thread of its own, whose error comes with a later call and names no file."""
        return naming_failures(self._events, self._events / "events")

    def has(self, step: int, what: str) -> bool:
        """Tell whether a value of this name, or whose name begins so, was measured at a step."""
        return any(row.step == step and any(name.startswith(what) for name in row.values) for row in self._curve.read())
