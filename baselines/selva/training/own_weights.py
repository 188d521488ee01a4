"""`selva.json`: what is known of a video encoder and a generator that were trained here, kept beside the two files.

It needs no torch: models read it before they load anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from baselines.selva.training.recipe import Recipe, Variant
from baselines.selva.training.run_record import CompleteRecord, Scoring, Sha256, StageName
from foundation.checkpoints import digests
from foundation.files import PathLike
from foundation.paths import FileName
from foundation.records import read_bounded, what_is_wrong

FILE_NAME = "selva.json"

Part = Literal["video_encoder", "generator"]
PARTS: tuple[Part, ...] = ("video_encoder", "generator")
_STAGE_OF: Mapping[Part, StageName] = {"video_encoder": "encoder", "generator": "generator"}


class OwnFile(CompleteRecord):
    """One of the two files."""

    name: FileName
    sha256: Sha256


class Trained(CompleteRecord):
    """What a file holds of a stage that was trained."""

    step: int = Field(ge=1, description="steps done when these weights were averaged")
    steps: int = Field(ge=1, description="of the recipe")
    width: float = Field(gt=0, description="relative width of the post-hoc EMA")


class StartFile(CompleteRecord):
    """A file that the training started from."""

    sha256: Sha256
    verified: bool = Field(description="its hash is the published one")


class FrameEffect(CompleteRecord):
    """How far the way in which frames are kept moves the features that the encoder learns from."""

    relative_rms: float | None = Field(description="of the difference, over that of features of uncompressed frames")
    clips: int = Field(ge=0, description="how many were measured")
    reason: str = Field(default="", description="why it was not measured")


class Clips(CompleteRecord):
    """What it was trained on."""

    fingerprint: str = Field(description="of the store of prepared clips")
    counts: dict[str, int] = Field(description="by split")
    settings: dict[str, Any] = Field(default_factory=dict, description="how the clips were prepared")
    frame_effect: FrameEffect | None = None


class Scores(CompleteRecord):
    """The last scores of the suite inside the run; of the weights as they were at that step, not of their average."""

    stage: StageName
    step: int
    values: dict[str, float] = Field(description="by metric")
    scoring: Scoring | None = Field(default=None, description="how they were measured; null where nothing recorded it")


class OwnWeights(CompleteRecord):
    """`selva.json`."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["weights of SELVA"] = "weights of SELVA"
    files: dict[Part, OwnFile]
    variant: Variant = Field(description="of the generator")
    sup_tokens: int = Field(ge=0, description="of the video encoder")
    trained: dict[StageName, Trained] = Field(description="stages without an entry were not trained in this run")
    untrained: bool = Field(description="started from random weights: for tests of the machinery only")
    recipe: Recipe
    recipe_sha256: Sha256 = Field(description="the recipe's fingerprint")
    choices: dict[str, Any] = Field(description="what nothing published says: key of the recipe to the value taken")
    starting_weights: dict[str, StartFile] = Field(description="by part; `video_encoder`: a file in place of stage 1")
    store: Clips
    scores: Scores | None = None

    def note(self, parts: Collection[str] = PARTS) -> str:
        """Return what a reader of a table should know of these files, on one line.

        Args:
            parts: of the model that come from these files.
        """
        stages = [_STAGE_OF[part] for part in PARTS if part in parts and _STAGE_OF[part] in self.trained]
        if not stages:
            return f"weights of recipe {self.recipe.name} before any training"
        trained = [self.trained[stage] for stage in stages]
        steps = " + ".join(f"{one.step:,}" for one in trained)
        widths = " and ".join(f"{width:g}" for width in dict.fromkeys(one.width for one in trained))
        alone = "" if len(stages) == len(PARTS) else f"{stages[0].replace('encoder', 'video encoder')} "
        text = f"{alone}trained by recipe {self.recipe.name}, {steps} steps, EMA width {widths}"
        if any(one.step < one.steps for one in trained):
            text += f" (the recipe has {' + '.join(f'{one.steps:,}' for one in trained)})"
        return text + (", from random weights" if self.untrained else "")

    def check(self, *, variant: str, sup_tokens: int, parts: Collection[str] = PARTS) -> None:
        """Refuse files for another model than the one that is made.

        Args:
            variant: of the generator that is made.
            sup_tokens: of the video encoder that is made.
            parts: of the model that come from these files.

        Raises:
            ValueError: names what differs, and the option that mends it.
        """
        asked: dict[Part, tuple[str, str | int, str | int]] = {
            "video_encoder": ("num_sup_tokens", self.sup_tokens, sup_tokens),
            "generator": ("variant", self.variant, variant),
        }
        for part, (option, held, wanted) in asked.items():
            if part in parts and held != wanted:
                raise ValueError(
                    f"{self.files[part].name}: was made for {option}={held}, got {option}={wanted}; "
                    f"pass --option {option}={held}"
                )


def record_path(file: PathLike) -> Path | None:
    """Return the `selva.json` beside a file, or beside what a link of that name leads to; None where there is none."""
    places = dict.fromkeys((Path(file).parent, Path(file).resolve().parent))
    return next((place / FILE_NAME for place in places if (place / FILE_NAME).is_file()), None)


def read_beside(files: Mapping[str, PathLike]) -> OwnWeights | None:
    """Return the record beside files of one's own; None where there is none.

    Args:
        files: by part of the model; parts other than video_encoder and generator are left aside.

    Raises:
        ValueError: a record cannot be read, is not of these files, or the two files are of two exports.
        OSError: a file cannot be read.
    """
    found: dict[Path, OwnWeights] = {}
    for part in PARTS:
        if part not in files:
            continue
        path = Path(files[part])
        beside = record_path(path)
        if not path.is_file() or beside is None:
            continue  # that a file is not there is said where it is opened
        record = read_record(beside)
        _check_file(path, part, record, beside)
        found[beside] = record
    if not found:
        return None
    (first, record), *others = found.items()
    for other, another in others:
        if another != record:
            raise ValueError(
                f"{first} and {other} are of two exports, so their files were not trained together; take both files "
                f"from one folder, or move a file to where no {FILE_NAME} is"
            )
    return record


def read_record(path: PathLike) -> OwnWeights:
    """Return a `selva.json`.

    Raises:
        ValueError: it is cut, or of another kind or version.
        OSError: it cannot be read.
    """
    try:
        return OwnWeights.model_validate_json(read_bounded(path))
    except ValidationError as error:
        reason = what_is_wrong(error)
        raise ValueError(f"{path}: not a record of weights that this version reads: {reason}; export again") from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _check_file(path: Path, part: Part, record: OwnWeights, beside: Path) -> None:
    if part not in record.files:
        raise ValueError(f"{beside}: says nothing of a {part.replace('_', ' ')}; move {path.name} away from it")
    expected, got = record.files[part].sha256, digests(path).sha256
    if got != expected:
        raise ValueError(
            f"{path}: was changed after its export, or is another file: its SHA-256 is {got}, {FILE_NAME} beside it "
            f"says {expected}; export again, or move the file to where no {FILE_NAME} is"
        )
