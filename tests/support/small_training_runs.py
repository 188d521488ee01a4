"""Whole training runs of narrow networks on a small store, seconds for both stages, here or in other processes."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from baselines.mmaudio import transformer
from baselines.selva.training import checkpoints, ema, logbook, loop
from baselines.selva.training import store as stores
from baselines.selva.training.recipe import Recipe, read_recipe
from baselines.selva.training.run_folder import RunFolder
from baselines.selva.training.running import train
from support import small_stores
from support.seeded_weights import normal
from support.small_training import SIZE, TEXT_WIDTH, WIDTH, narrowed
from support.tiny_models import VARIANTS

CLIPS, HELD_OUT = 11, 3


@contextmanager
def narrow() -> Iterator[None]:
    """Networks as in `narrowed`, and the smallest published generator among them."""
    with narrowed(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(transformer.VARIANTS, "small_16k", VARIANTS["tiny_16k"])
        yield


def narrow_store(path: Path, *, clips: int = CLIPS, held_out: int = HELD_OUT, **settings) -> stores.Store:
    """A store of clips of one segment, as narrow as the networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_stores, "text_of", narrow_text)
        entries = small_stores.entries(clips, held_out=held_out)
        return small_stores.small_store(path, entries, size=SIZE, teacher=False, **settings)


def narrow_text(label: str):
    words = len(label.split()) + 1
    arrays = {"clip": normal(f"{label} clip", (77, TEXT_WIDTH), 1), "t5": normal(f"{label} t5", (words, WIDTH), 1)}
    return small_stores.NewRow(label, arrays)


def small_recipe(**changes: Any) -> Recipe:
    """A few steps of both stages in float32, with every kind of draw in it; `encoder__batch=2` changes one value."""
    said = read_recipe("smoke").model_dump()
    said |= {"name": "small", "seconds": 0.64, "precision": "fp32", "validation_clips": 3}
    said |= {"checkpoint_every": 2, "validate_every": 3}
    mixing = {"side": "random", "share": 1.0, "ratio": None, "alpha": 2.0}
    said["encoder"] |= {"steps": 5, "batch": 4, "warmup": 3, "learning_rate": 1e-3, "text_dropout": 0.2}
    said["generator"] |= {"steps": 4, "batch": 4, "warmup": 3, "learning_rate": 1e-3}
    said["encoder"]["mixing"] |= mixing
    said["generator"]["mixing"] |= mixing
    said["averages"] |= {"every": 2}
    for key, value in changes.items():
        *tables, last = key.split("__")
        place = said
        for table in tables:
            place = place[table]
        place[last] = value
    return Recipe(**said)


def trained(store: stores.Store, out: Path, recipe: Recipe | None = None, **options: Any) -> RunFolder:
    """Train narrow networks that start from random numbers, on the CPU."""
    fixed = {"weights": {"random_weights": True}, "device": "cpu", "report": lambda _line: None}
    with narrow():
        return train(recipe or small_recipe(), store, out, **{**fixed, **options})


@dataclass(frozen=True)
class Course:
    """What a run measured at its steps, the learning rate among it, and the weights that it leads to."""

    losses: dict[str, list[tuple[int, float]]]
    weights: dict[str, torch.Tensor]


def course_of(run: RunFolder) -> Course:
    """What is left of a run: losses and rates by stage, and the averages of all snapshots."""
    from safetensors.torch import load_file

    losses, weights = {}, {}
    for stage in ("encoder", "generator"):
        rows = run.stage(stage).curve.read()
        losses[stage] = [
            (row.step, row.values[name])
            for row in rows
            for name in ("loss", "validation_loss", "learning_rate")
            if name in row.values
        ]
        for path in sorted(run.stage(stage).snapshots.glob("*.safetensors")):
            weights |= {f"{stage}/{path.stem}/{name}": value for name, value in load_file(path).items()}
    return Course(losses, weights)


class ThirdEndsItsReader(Dataset):
    """Batches whose third kills the process that reads it."""

    def __init__(self, batches: Dataset) -> None:
        self.batches = batches

    def __getitem__(self, number: int) -> Any:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.batches[number]


class NamesItsReader(Dataset):
    """Batches whose one id is the number of the process that reads them."""

    def __init__(self, batches: Dataset) -> None:
        self.batches = batches

    def __getitem__(self, number: int) -> Any:
        return replace(self.batches[number], ids=(str(os.getpid()),))


# Where a run can be killed: before the n-th call of each.
MOMENTS = {
    "a step": (loop.Loop, "_descend"),
    "the averages take a step": (ema.Averages, "update"),
    "a snapshot": (ema.Averages, "snapshot"),
    "a row of the curve": (logbook.Logbook, "row"),
    "a checkpoint is sealed": (checkpoints.Checkpoints, "_seal"),
    "a checkpoint gets its name": (checkpoints.Checkpoints, "_discard"),
    "the record says how far": (RunFolder, "note"),
}


@dataclass(frozen=True)
class Sent:
    """A signal that a process sends itself."""

    number: signal.Signals
    moment: str
    time: int = 1


def run_in_a_process(store: Path, out: Path, sent: Sent | None = None, **options: Any) -> int:
    """Train in a process of its own; return its exit status, below 0 where a signal ended it."""
    (status,) = run_in_processes(store, out, sent, **options)
    return status


def run_in_processes(
    store: Path,
    out: Path,
    sent: Sent | None = None,
    *,
    environments: tuple[dict[str, str], ...] = ({},),
    **options: Any,
) -> list[int]:
    """Train in several processes at once, each with variables of its own; return their exit statuses."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "accelerate", "ema_pytorch", "torch.utils.tensorboard"])  # once for all
    processes = [
        context.Process(target=_run, args=(store, out, sent, environment, options)) for environment in environments
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def _run(store: Path, out: Path, sent: Sent | None, environment: dict[str, str], options: dict[str, Any]) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    if sent is not None:
        _send(sent)
    trained(stores.Store.opened(store), out, **options)


def _send(sent: Sent) -> None:
    """Have this process send itself a signal before the call."""
    kind, name = MOMENTS[sent.moment]
    usual, calls = getattr(kind, name), 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == sent.time:
            os.kill(os.getpid(), sent.number)
        return usual(*args, **kwargs)

    setattr(kind, name, counted)
