"""The folder of a training run: where everything lies, who works at it, and whether it may be gone on with.

RUN/run.json                     what it was started with, and how far it is (run_record.py)
RUN/<stage>/curve.jsonl          what was measured at which step (curve.py); encoder and generator are the stages
RUN/<stage>/tensorboard/         the same, for TensorBoard
RUN/<stage>/checkpoints/         whole states to go on from
RUN/<stage>/snapshots/           running averages of the weights, which post-hoc EMA is made of
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from baselines.selva.training.changes import changes, refused
from baselines.selva.training.curve import Curve
from baselines.selva.training.recipe import Recipe, flat
from baselines.selva.training.run_record import (
    STAGES,
    Attempt,
    Changed,
    RunRecord,
    Scoring,
    StageName,
    Standing,
    StartingWeights,
    StoreUsed,
)
from foundation.files import PathLike, write_text
from foundation.holders import Seen, is_gone, look
from foundation.locks import Lock, Refusing, lock_path
from foundation.records import read_bounded, what_is_wrong

if TYPE_CHECKING:
    from baselines.mmaudio.weights import WeightFile

__all__ = ["STAGES", "Curve", "RunFolder", "RunHeld", "StageFolder", "StageName"]

OWN_VIDEO_ENCODER = "video_encoder"  # part of the starting weights where the first stage is not trained here


class RunHeld(ValueError):
    """Another process is at work on the run."""


@dataclass(frozen=True)
class StageFolder:
    """Where the files of one stage lie."""

    path: Path

    @property
    def curve(self) -> Curve:
        """What was measured at which step."""
        return Curve(self.path / "curve.jsonl")

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's files."""
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        """Folder of the states to go on from."""
        return self.path / "checkpoints"

    @property
    def snapshots(self) -> Path:
        """Folder of the averages of the weights."""
        return self.path / "snapshots"


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, which need not exist yet."""

    path: Path

    @classmethod
    def begun(
        cls,
        path: PathLike,
        recipe: Recipe,
        store_fingerprint: str,
        weights: Mapping[str, str | WeightFile],
        *,
        store: Path | None = None,
        clips: Mapping[str, int] | None = None,
        untrained: bool = False,
        device: str = "cpu",
        processes: int = 1,
        scoring: Scoring | None = None,
    ) -> RunFolder:
        """Return the folder of a run that begins, or goes on where it stopped; to be called while it is held.

        Args:
            path: of the run; absent, empty, or of a run of the same recipe, store and weights.
            recipe: what it does. Of a run that goes on it may have more steps, and other values of what no weight
                depends on: `changes` of its record then says so.
            store_fingerprint: of the clips.
            weights: by part, the files that networks start from, or their SHA-256; `video_encoder` where the first
                stage's network is a file of one's own and not trained here.
            store: where the clips are.
            clips: how many, by split.
            untrained: the networks start from random numbers.
            device: what the networks run on, in words.
            processes: how many work at it together.
            scoring: how the suite will score it on its way, if that is known; it may change when a run goes on.

        Raises:
            ValueError: the folder holds something else, or a run that was started with something else; names the first
                thing that differs, with both values. A run that came to no stage is begun anew with whatever is given.
        """
        folder, now = cls(Path(path)), datetime.now(UTC).isoformat(timespec="seconds")
        used = StoreUsed(fingerprint=store_fingerprint, path=_place(store), clips=dict(clips or {}))
        starting = {part: _starting(file) for part, file in weights.items()}
        attempt = Attempt.of(now, device, processes)
        scorings = {} if scoring is None else {scoring.id: scoring}
        begun = folder.read_record() if folder.record_path.is_file() else None
        if begun is not None and any(folder.stage(name).path.exists() for name in STAGES):
            _check_same(folder, begun, recipe, used, starting, untrained)
            changed: dict[str, Any] = {
                **_recipe_changed(begun, recipe, now),
                "starting_weights": {**begun.starting_weights, **_moved(begun.starting_weights, starting)},
                "store": used,
                "attempts": (*begun.attempts, attempt),
                "scorings": {**begun.scorings, **scorings},
                "updated": now,
            }
            folder._write(begun.model_copy(update=changed))
            return folder
        if begun is None and folder.path.is_dir() and any(folder.path.iterdir()):
            raise ValueError(f"{folder.path}: holds files, but is not a training run; choose another --out")
        folder._write(
            RunRecord(
                schema=1, recipe=recipe, recipe_fingerprint=recipe.fingerprint, choices=recipe.choices(), store=used,
                starting_weights=starting, untrained=untrained, started=now, updated=now, attempts=(attempt,),
                stages={name: Standing(steps=getattr(recipe, name).steps) for name in STAGES}, scorings=scorings,
            )
        )  # fmt: skip
        return folder

    @classmethod
    def opened(cls, path: PathLike) -> RunFolder:
        """Return the folder of a run that is there.

        Raises:
            ValueError: there is none, or its record cannot be read.
        """
        folder = cls(Path(path))
        folder.read_record()
        return folder

    @property
    def record_path(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    def stage(self, name: StageName) -> StageFolder:
        """Return where the files of a stage lie."""
        return StageFolder(self.path / name)

    def read_record(self) -> RunRecord:
        """Return `run.json`.

        Raises:
            ValueError: it is not there, cut, or of another kind or version.
        """
        try:
            return RunRecord.model_validate_json(read_bounded(self.record_path))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(
                f"{self.path}: not a training run (no run.json in it); give the folder that `train run` wrote"
            ) from error
        except ValidationError as error:
            raise ValueError(
                f"{self.record_path}: not the record of a training that this version reads: {what_is_wrong(error)}; "
                "restore it from a copy, or train in another folder"
            ) from error
        except ValueError as error:
            raise ValueError(f"{self.record_path}: {error}") from error

    def note(self, stage: StageName, step: int, *, finished: bool = False) -> None:
        """Write into `run.json` how far a stage is; once a checkpoint is enough.

        Args:
            stage: of the run.
            step: steps done.
            finished: nothing of it is left to do.
        """
        record, now = self.read_record(), datetime.now(UTC).isoformat(timespec="seconds")
        standing = record.stages[stage].model_copy(update={"step": step, "finished": finished})
        self._write(record.model_copy(update={"stages": {**record.stages, stage: standing}, "updated": now}))

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the run while the block runs.

        Raises:
            RunHeld: another process works at it; names it.
            foundation.locks.LockLost: this one stood still for so long that another took over.
        """
        with Lock(self.path, sleep=Refusing(self.path, self._refuse), tells_after=math.inf):
            yield

    def holder(self) -> Seen | None:
        """Return who is at work on the run, without waiting; None where nobody is.

        One on another machine counts as at work as long as its lock is there.
        """
        seen = look(lock_path(self.path))
        return None if seen is None or is_gone(seen, still_seconds=0.0) else seen

    def _refuse(self, seen: Seen) -> RunHeld:
        return RunHeld(f"{self.path}: {seen} is at work on this run; wait for its end, or choose another --out")

    def _write(self, record: RunRecord) -> None:
        write_text(self.record_path, record.model_dump_json(by_alias=True, indent=2) + "\n")


def _starting(file: str | WeightFile) -> StartingWeights:
    if isinstance(file, str):
        return StartingWeights(sha256=file)
    return StartingWeights(sha256=file.sha256, verified=file.verified, path=_place(file.path))


def _place(path: Path | None) -> str | None:
    """Return where a file is from whatever folder it is looked for."""
    return None if path is None else str(path.absolute())


def _moved(begun: Mapping[str, StartingWeights], now: Mapping[str, StartingWeights]) -> dict[str, StartingWeights]:
    """Return the files of a run that goes on: the same ones, where they are by now, and those that are new."""
    return {
        part: begun[part].model_copy(update={"path": file.path or begun[part].path}) if part in begun else file
        for part, file in now.items()
    }


def _recipe_changed(begun: RunRecord, recipe: Recipe, time: str) -> dict[str, Any]:
    """Return what is another value in the record of a run that goes on with a recipe."""
    done = {name: standing.step for name, standing in begun.stages.items()}
    made = [
        Changed(time=time, key=change.key, before=change.before, now=change.now, done=done)
        for change in changes(flat(begun.recipe), flat(recipe))
    ]
    stages = {}
    for name, standing in begun.stages.items():
        steps = recipe.stage(name).steps
        is_finished = standing.finished and steps == standing.steps
        stages[name] = standing.model_copy(update={"steps": steps, "finished": is_finished})
    return {
        "recipe": recipe,
        "recipe_fingerprint": recipe.fingerprint,
        "stages": stages,
        "changes": (*begun.changes, *made),
    }


def _check_same(
    folder: RunFolder,
    begun: RunRecord,
    recipe: Recipe,
    store: StoreUsed,
    weights: Mapping[str, StartingWeights],
    untrained: bool,
) -> None:
    """Refuse to go on with a run that was started with something else."""
    _check_recipe(folder, flat(begun.recipe), flat(recipe))
    pairs: list[tuple[str, Any, Any]] = [
        ("store: fingerprint", begun.store.fingerprint, store.fingerprint),
        ("random weights", begun.untrained, untrained),
    ]
    parts: Collection[str] = {OWN_VIDEO_ENCODER, *(begun.starting_weights.keys() & weights.keys())}
    for part in sorted(parts):  # other parts that are new are those of a stage that is new
        hashes = [known[part].sha256 if part in known else None for known in (begun.starting_weights, weights)]
        pairs.append((f"starting weights: {part}", hashes[0], hashes[1]))
    for what, old, new in pairs:
        if old != new:
            raise ValueError(
                f"{folder.path}: was started with {what} = {_said(old)}, and is asked to go on with {_said(new)}; "
                "choose another --out, or go on with what it was started with"
            )


def _check_recipe(folder: RunFolder, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with a recipe whose change earlier steps depend on, or what was made of them."""
    found = refused(before, now)
    if found is not None:
        change, way_out = found
        raise ValueError(
            f"{folder.path}: was started with recipe: {change.key} = {_said(change.before)}, and is asked to go on "
            f"with {_said(change.now)}; {way_out}"
        )
    more = now["encoder.steps"] > before["encoder.steps"]
    if more and folder.stage("encoder").path.exists() and folder.stage("generator").path.exists():
        raise ValueError(
            f"{folder.path}: was started with recipe: encoder.steps = {before['encoder.steps']}, and is asked to go on "
            f"with {now['encoder.steps']}, but its generator has begun to learn behind the encoder of "
            f"{before['encoder.steps']} steps; put {before['encoder.steps']} back, or choose another --out, where both "
            "stages are trained anew"
        )


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
