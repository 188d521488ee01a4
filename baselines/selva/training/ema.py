"""Averages of the weights over the steps of a run, of any width, put together after training.

Two running averages of different widths are kept while a stage trains, and a snapshot of both every few thousand
steps. From the snapshots up to a step the average of another width at that step is a least-squares combination.

A snapshot is one file, `<step>.safetensors`, written under another name first: it is there whole or not at all.

Source:
    Karras et al. 2024 (arXiv:2312.02696, section 3 and appendix C), by ema-pytorch: at update k the share
    (1 - 1 / (k + 1)) ** (gamma + 1) of the old average stays, and the average starts as the weights after the first
    step. Profiles and interval as in jnwnlee/selva @ 70a8589.
"""

# ema-pytorch is not typed.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.selva.training.recipe import WIDEST
from foundation.extras import load_extra
from foundation.files import PathLike
from foundation.tensors import save_tensors

WIDTHS = (0.05, 0.1)
_TOLERATED = 0.01  # by how much the shares of the snapshots may miss 1 without a word
_SNAPSHOT = re.compile(r"(\d{8})\.safetensors")

_log = logging.getLogger(__name__)


class Averages:
    """Running averages of what is trained of a module; see `track`."""

    def __init__(self, running: Any, folder: Path, widths: tuple[float, ...], every: int) -> None:
        self._running = running
        self._folder, self._widths, self._every = folder, widths, every

    @property
    def step(self) -> int:
        """How many updates there were."""
        return int(self._running.step)

    def update(self) -> None:
        """Take the weights after an optimiser step into the averages, and keep a snapshot where one is due.

        Raises:
            foundation.files.WriteFailed: it cannot be written; earlier ones stay.
        """
        self._running.update()
        if self.step % self._every == 0:
            self.snapshot()

    def snapshot(self) -> Path:
        """Keep both averages as they are, in place of an earlier snapshot of the same step; return the file.

        Raises:
            foundation.files.WriteFailed: it cannot be written; an earlier one stays.
        """
        kept = {
            f"{profile}/{name}": value.detach().to("cpu", torch.float32).contiguous()
            for profile, average in enumerate(self._running.ema_models)
            for name, value in average.ema_model.named_parameters()
        }
        path = self._folder / f"{self.step:08d}.safetensors"
        save_tensors(kept, path, {"widths": json.dumps(self._widths)})
        return path

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages and their step, for a checkpoint of the run: views, not copies."""
        return self._running.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state that `state_dict` returned.

        Raises:
            RuntimeError: it is of other parameters.
        """
        self._running.load_state_dict(state)


def track(module: nn.Module, folder: PathLike, *, widths: Sequence[float] = WIDTHS, every: int = 5000) -> Averages:
    """Return averages of what is trained of a module; call their `update` after each optimiser step.

    Args:
        module: on its device and frozen already: parameters that need no gradient are neither averaged nor kept.
        folder: of the snapshots; made where it is absent.
        widths: relative widths to keep: a standard deviation of 0.05 is that share of the steps so far.
        every: updates between snapshots.

    Raises:
        ValueError: fewer than two widths, one out of range, nothing that is trained, parameters that are not float32,
            or a folder with snapshots of other widths.
        foundation.extras.MissingPackage: ema-pytorch is not installed.
    """
    widths = tuple(widths)
    if len(set(widths)) < 2 or len(set(widths)) < len(widths):
        raise ValueError(f"widths: expected at least two different ones, got {', '.join(map(str, widths)) or 'none'}")
    for width in widths:
        _check_width(width)
    if every < 1:
        raise ValueError(f"every: expected at least 1 step between snapshots, got {every}")
    folder = Path(folder)
    steps = snapshots(folder)
    if steps and (found := _widths_of(folder, steps[-1])) != widths:
        raise ValueError(f"{folder}: has snapshots of the widths {found}, not of {widths}; take another folder")
    library = load_extra("ema_pytorch", "train", needed_by="averaging the weights of a training run")
    running = library.PostHocEMA(
        _trained_part(module),
        sigma_rels=widths,
        update_every=1,
        checkpoint_every_num_steps="manual",  # its own snapshots are several files, in half precision
        checkpoint_folder=str(folder),
    )
    return Averages(running, folder, widths, every)


def snapshots(folder: PathLike) -> list[int]:
    """Return the steps of which there is a snapshot, in order; none where there is no such folder."""
    found = (_SNAPSHOT.fullmatch(path.name) for path in Path(folder).glob("*.safetensors"))
    return sorted(int(match[1]) for match in found if match)


def synthesize(folder: PathLike, width: float, step: int | None = None) -> dict[str, Tensor]:
    """Return the average of a width at a step, float32 on the CPU, by the names of the parameters that were tracked.

    Args:
        folder: of the snapshots.
        width: relative width, in (0, 0.28). A warning tells of one outside those kept, which is an extrapolation, and
            of one that so few snapshots cannot make: between 0.05 and 0.1 all weights are 3 % too large with two
            snapshots, 0.5 % with five, 0.05 % with ten.
        step: of a snapshot, the last one by default. Later snapshots are not read.

    Raises:
        ValueError: a width out of range, no snapshots, none of this step, or one that cannot be read.
        foundation.extras.MissingPackage: ema-pytorch is not installed.
    """
    _check_width(width)
    folder = Path(folder)
    steps = snapshots(folder)
    if not steps:
        raise ValueError(f"{folder}: has no snapshot of averaged weights; train until the first one is kept")
    step = steps[-1] if step is None else step
    if step not in steps:
        raise ValueError(f"{folder}: has no snapshot of step {step}; those there are: {', '.join(map(str, steps))}")
    steps = [earlier for earlier in steps if earlier <= step]
    kept = _widths_of(folder, step)
    if not min(kept) <= width <= max(kept):
        _log.warning("averages of width %s are extrapolated: those kept are %s", width, ", ".join(map(str, kept)))
    every_share = _shares(steps, kept, width, step)
    whole = sum(map(sum, every_share))
    if abs(whole - 1) > _TOLERATED:  # the method does not force it to be 1; a kept width always gives 1
        _log.warning(
            "averages of width %s at step %s have the size of the weights times %.3f: %s snapshots are too few for it; "
            "take a width that was kept, or a later step", width, step, whole, len(steps),
        )  # fmt: skip
    total: dict[str, Tensor] = {}
    for earlier, shares in zip(steps, every_share, strict=True):
        widths, tensors = _read(folder, earlier)
        if widths != kept:
            raise ValueError(f"{folder}: snapshots {earlier} and {step} keep different widths, so of different runs")
        for key, value in tensors.items():
            profile, _, place = key.partition("/")
            name, added = place.replace("/", "."), value.double() * shares[int(profile)]
            total[name] = total[name] + added if name in total else added
    return {name: value.float() for name, value in total.items()}


def _shares(steps: Sequence[int], kept: Sequence[float], width: float, step: int) -> list[list[float]]:
    """Return how much of each snapshot, for each width that was kept, makes up the average of another width."""
    library = load_extra("ema_pytorch.post_hoc_ema", "train", needed_by="putting averaged weights together")
    exponents = [library.sigma_rel_to_gamma(one) for one in kept]
    at = torch.tensor(steps, dtype=torch.float64).repeat_interleave(len(kept))
    gammas = torch.tensor(exponents, dtype=torch.float64).repeat(len(steps))
    wanted = torch.tensor([library.sigma_rel_to_gamma(width)], dtype=torch.float64)
    solved = library.solve_weights(at, gammas, torch.tensor([step], dtype=torch.float64), wanted)
    return solved.view(len(steps), len(kept)).tolist()


def _trained_part(module: nn.Module) -> nn.Module:
    """Return a module of the very parameters that are trained; a dot of their names, not allowed there, is a slash."""
    part = nn.Module()
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.dtype != torch.float32:
            raise ValueError(f"{name}: averages are of float32 weights, got {parameter.dtype}; use mixed precision")
        part.register_parameter(name.replace(".", "/"), parameter)
    if not any(True for _ in part.parameters()):
        raise ValueError(f"module: nothing of this {type(module).__name__} is trained")
    return part


def _check_width(width: float) -> None:
    if not 0 < width < WIDEST:
        raise ValueError(f"width: expected more than 0 and less than {WIDEST}, got {width}")


def _widths_of(folder: Path, step: int) -> tuple[float, ...]:
    return _read(folder, step, tensors=False)[0]


def _read(folder: Path, step: int, *, tensors: bool = True) -> tuple[tuple[float, ...], dict[str, Tensor]]:
    """Return the widths that a snapshot keeps and, unless they are not wanted, its tensors, by profile and name."""
    from safetensors import SafetensorError, safe_open

    path = folder / f"{step:08d}.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            widths = tuple(json.loads((file.metadata() or {})["widths"]))
            return widths, {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a snapshot of averaged weights ({error}); remove it") from error
