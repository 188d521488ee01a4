"""What a driver is told to do: the arguments of `generate` and `evaluate` as plain values that travel to it.

Paths are text and may be relative: every driver works in the folder of the one who gives the order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from benchmark.choices import Choices
from benchmark.places import DEFAULT_CACHE, DEFAULT_RUNS
from benchmark.runs import SettingsRecord
from foundation.remote import is_remote
from foundation.work import Progress
from vgg_monoaudio.dataset import Subset
from vgg_monoaudio.record import RECORD_NAME


class Order(Protocol):
    """One piece of work that several drivers do together.

    Attributes:
        workers: processes that decode for each driver; None: as `generate` and `evaluate` choose.
        device: where networks run; None: as the executor or the model chooses.
    """

    @property
    def workers(self) -> int | None:
        """Processes that decode for each driver."""
        ...

    @property
    def device(self) -> str | None:
        """Where networks run."""
        ...

    def drive(self, device: str | None, progress: Progress | None = None) -> str:
        """Be one of its drivers; return the run directory when the whole of the work is done."""
        ...

    def with_workers(self, workers: int) -> Self:
        """Return the same order with so many processes that decode for each driver."""
        ...

    def sounds(self) -> tuple[str, int] | None:
        """Return the folder that answers appear in and how many there will be; None where it makes no sounds."""
        ...

    def decoded(self) -> tuple[str, ...] | None:
        """Return by which places one knows the files that are decoded; None where only the driver's node has them."""
        ...


@dataclass(frozen=True)
class GenerateOrder:
    """A call of `benchmark.generate`; see there for what the fields mean.

    A run cannot be made `fresh` by an order: each driver, and each that is started again, would remove what the others
    have made. Remove it before.
    """

    benchmark: str
    model: str
    subset: Subset
    runs: str = os.fspath(DEFAULT_RUNS)
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    limit: int | None = None
    batch_size: int | Literal["auto"] = 1
    workers: int | None = None
    device: str | None = None
    run_name: str | None = None
    settings: SettingsRecord | None = None

    def drive(self, device: str | None, progress: Progress | None = None) -> str:
        """Generate, on a device if one is given; see `Order`.

        Raises:
            Exception: what `benchmark.generate` raises.
        """
        from benchmark.generation import generate
        from benchmark.remote_site import site_at

        directory = generate(
            self.benchmark, self.model, subset=self.subset, runs=self.runs, options=self.options, seed=self.seed,
            limit=self.limit, batch_size=self.batch_size, workers=self.workers, device=device or self.device,
            run_name=self.run_name, settings=self.settings, progress=progress or False,
        )  # fmt: skip
        return site_at(directory).address

    def with_workers(self, workers: int) -> Self:
        """Return the same order with so many processes that decode for each driver."""
        return replace(self, workers=workers)

    def sounds(self) -> tuple[str, int] | None:
        """Return the folder that answers appear in and how many there will be; None for a run on an object store."""
        if is_remote(self.runs):
            return None
        from baselines import get_model
        from benchmark.runs import RunDirectory, folder_name
        from vgg_monoaudio.dataset import load_benchmark

        built = load_benchmark(self.benchmark)
        name = self.run_name or folder_name(get_model(self.model).name)
        directory = RunDirectory.locate(Path(self.runs), built.name, self.subset, name)
        return os.fspath(directory.audio_folder), len(built.samples(self.subset)[: self.limit])

    def decoded(self) -> tuple[str, ...]:
        """Return the benchmark's record: scenes are decoded."""
        return (os.fspath(Path(self.benchmark) / RECORD_NAME),)


@dataclass(frozen=True)
class EvaluateOrder:
    """A call of `benchmark.evaluate`; see there for what the fields mean."""

    run: str
    benchmark: str
    choices: Choices = field(default_factory=Choices)
    cache: str = os.fspath(DEFAULT_CACHE)
    workers: int | None = None
    allow_missing: bool = False
    device: str | None = None
    weights_dir: str | None = None
    allow_unverified: bool = False

    def drive(self, device: str | None, progress: Progress | None = None) -> str:
        """Evaluate, on a device if one is given; see `Order`.

        Raises:
            Exception: what `benchmark.evaluate` raises.
        """
        from benchmark.evaluation import evaluate

        evaluate(
            self.run, self.benchmark, self.choices, cache=self.cache, workers=self.workers,
            allow_missing=self.allow_missing, share=True, progress=progress or False, device=device or self.device,
            weights_dir=self.weights_dir, allow_unverified=self.allow_unverified,
        )  # fmt: skip
        return self.run

    def with_workers(self, workers: int) -> Self:
        """Return the same order with so many processes that decode for each driver."""
        return replace(self, workers=workers)

    def sounds(self) -> None:
        """Return None: it makes no sounds."""
        return

    def decoded(self) -> tuple[str, ...] | None:
        """Return the benchmark's record and the run: films and sounds are decoded; None for a run on a store."""
        return None if is_remote(self.run) else (os.fspath(Path(self.benchmark) / RECORD_NAME), self.run)
