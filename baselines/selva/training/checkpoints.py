"""Checkpoints of a stage: written whole or not at all, known by their hashes, and only gone on with by the same run.

CHECKPOINTS/step-<n>/checkpoint.json    step, recipe, store, and the hash of every other file; written last
CHECKPOINTS/step-<n>/...                what the caller writes

A checkpoint is written under another name, brought to the disk and renamed; the last two are kept.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from baselines.selva.training.changes import refused
from baselines.selva.training.draws import StageName
from baselines.selva.training.recipe import Recipe, flat
from foundation.files import file_sha256, flush, flush_folder, remove_partials
from foundation.flushing import make_folder
from foundation.partials import partial_name
from foundation.records import Record, read_bounded, what_is_wrong
from foundation.write_failures import WriteFailed, naming_failures

RECORD = "checkpoint.json"
KEPT = 2
_FOLDER = re.compile(r"step-(\d+)")

log = logging.getLogger(__name__)


class DamagedCheckpoint(ValueError):
    """A checkpoint whose files are not those that were written; says which."""


class CheckpointNotWritten(WriteFailed):
    """A checkpoint that could not be written; the message also says which one stays."""

    stays = ""

    def __str__(self) -> str:
        """Return why, what to do, and from where the run goes on then."""
        return f"{super().__str__()}; {self.stays}"


class CheckpointRecord(Record):
    """What a checkpoint is of.

    Attributes:
        version: of this layout; `schema` in the file.
        stage: of the run.
        step: steps that were done.
        recipe: every value, by its dotted key.
        store: fingerprint of the clips.
        files: SHA-256 of every other file, by name.
    """

    version: Literal[1] = Field(default=1, alias="schema")
    stage: StageName
    step: int
    recipe: dict[str, Any]
    store: str
    files: dict[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is whole."""

    path: Path
    step: int


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a stage.

    Attributes:
        folder: where they are; need not exist.
        stage: whose they are.
        recipe: of the run.
        store: fingerprint of its clips.
    """

    folder: Path
    stage: StageName
    recipe: Recipe
    store: str

    def write(self, step: int, fill: Callable[[Path], None]) -> None:
        """Write the checkpoint of a step, and remove all but the last two.

        Args:
            step: steps that were done.
            fill: writes files into the folder that it is given.

        Raises:
            CheckpointNotWritten: the disk is full; nothing is left of it, and the last good one stays.
        """
        final = self.folder / f"step-{step}"
        temporary = final.with_name(partial_name(final.name))
        try:
            with naming_failures(final, temporary):
                make_folder(temporary)
                fill(temporary)
                self._seal(temporary, step)
                self._discard(final)  # one of this step that was found damaged
                temporary.rename(final)
                flush_folder(self.folder)
        except WriteFailed as error:
            failed = CheckpointNotWritten(error.errno, error.strerror, error.filename)
            failed.stays = self._what_stays()
            raise failed from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in self._steps()[:-KEPT]:
            self._discard(self.folder / f"step-{old}")

    def newest(self) -> Checkpoint | None:
        """Return the last checkpoint that is whole, None where there is none; one that is damaged is named.

        Raises:
            ValueError: it is of another recipe, store or stage; names the first thing that differs.
        """
        for step in reversed(self._steps()):
            path = self.folder / f"step-{step}"
            try:
                record = read_whole(path)
            except DamagedCheckpoint as error:
                log.warning("%s; the one before it is used", error)
                continue
            self._check_same(path, record)
            return Checkpoint(path, record.step)
        return None

    def clear_partials(self) -> None:
        """Remove what killed processes left of checkpoints; for the one who holds the run."""
        if self.folder.is_dir():
            remove_partials(self.folder, alone=True)

    def _steps(self) -> list[int]:
        """Return the steps of the checkpoints that have their final name, the first one first."""
        if not self.folder.is_dir():
            return []
        found = (_FOLDER.fullmatch(path.name) for path in self.folder.iterdir() if path.is_dir())
        return sorted(int(match[1]) for match in found if match)

    def _seal(self, folder: Path, step: int) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            flush(path)
        record = CheckpointRecord(
            schema=1,
            stage=self.stage,
            step=step,
            recipe=flat(self.recipe),
            store=self.store,
            files={path.relative_to(folder).as_posix(): file_sha256(path) for path in files},
        )
        (folder / RECORD).write_text(record.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
        usual = (folder / RECORD).stat().st_mode & 0o777
        for path in files:
            path.chmod(usual)  # safetensors lets the owner alone read its files, and runs are shared
        flush(folder / RECORD)
        flush_folder(folder)

    def _discard(self, path: Path) -> None:
        """Remove a checkpoint, which never stands half-removed under its own name."""
        if path.is_dir():
            gone = path.with_name(partial_name(path.name))
            path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _what_stays(self) -> str:
        steps = self._steps()
        if not steps:
            return "there is no checkpoint of this stage yet"
        return f"the checkpoint of step {steps[-1]} stays, and the run goes on from there"

    def _check_same(self, path: Path, record: CheckpointRecord) -> None:
        theirs = {**record.recipe, "store": record.store, "stage": record.stage}
        ours = {**flat(self.recipe), "store": self.store, "stage": self.stage}
        found = refused(theirs, ours)
        if found is not None:
            change, what_to_do = found
            raise ValueError(
                f"{path}: is a checkpoint with {change.key} = {change.before}, and this run has {change.now}; "
                f"{what_to_do}"
            )


def read_whole(path: Path) -> CheckpointRecord:
    """Return the record of a checkpoint whose files are all those that were written.

    Raises:
        DamagedCheckpoint: it has no record, or a file that is not what the record says.
    """
    try:
        record = CheckpointRecord.model_validate_json(read_bounded(path / RECORD))
    except ValidationError as error:
        raise DamagedCheckpoint(f"{path}: its record cannot be read: {what_is_wrong(error)}") from error
    except (OSError, ValueError) as error:
        raise DamagedCheckpoint(f"{path}: its record cannot be read: {error}") from error
    for name, sha256 in record.files.items():
        file = path / name
        if not file.is_file():
            raise DamagedCheckpoint(f"{path}: {name} is missing")
        if file_sha256(file) != sha256:
            raise DamagedCheckpoint(f"{path}: {name} is not what was written")
    return record
