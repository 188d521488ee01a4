"""A recipe: everything that is to be said of an official program so that it can be driven, as a strict record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from baselines.programs.program import Program, ProgramFile
from baselines.programs.settings import ProgramOptions
from baselines.programs.templates import Argument, places, stray_brace
from baselines.recipes import read_file
from foundation import checkpoints
from foundation.files import file_sha256
from foundation.records import Record, what_is_wrong

DRIVERS = Path(__file__).parent / "drivers"
Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]
Parameter = bool | int | float | str

# What each kind of text may hold. Of a call: the same for all requests that share it.
OF_A_CALL = frozenset(
    {"prompt", "negative_prompt", "seed", "duration", "device", "videos", "csv", "features", "output"}
)
OF_A_REQUEST = frozenset({"stem", "row", "video", "mask"})
OF_A_DRIVER = frozenset({"device"})
OF_A_LINE = frozenset({"stem", "row", "video", "mask", "prompt", "negative_prompt", "duration", "seed"})
OF_AN_OUTPUT = frozenset({"stem", "row"})
RESERVED = OF_A_CALL | OF_A_REQUEST | frozenset(ProgramOptions.__annotations__) | {"segmenter", "amp"}


class Step(Record):
    """One script that is run; several are run one after the other.

    Attributes:
        entry: the script, relative to the checkout.
        launcher: words between the interpreter and the script, as `-m torch.distributed.run`.
        arguments: words with places; a list of words is left out where a place in it is empty.
    """

    entry: Text
    launcher: tuple[Text, ...] = ()
    arguments: tuple[Argument, ...]


class Driver(Record):
    """A script of ours, or of the recipe's author, that speaks JSON Lines and is run by the program's interpreter.

    Attributes:
        file: next to the recipe, or one of `baselines/programs/drivers`.
        arguments: as in a step; known are {device} and the parameters.
        negative_prompts: whether it uses them.
    """

    file: Text
    arguments: tuple[Argument, ...] = ()
    negative_prompts: bool = False


class Video(Record):
    """How a scene is handed over, always as an .mp4 in a folder of its own.

    Attributes:
        stem: its name without the ending, where the program wants one name; else each has a number.
        longer: what is done with a scene that is longer than the sound asked for, where the program would answer all.
        fps: re-encode it, without sound, at this rate; absent: the file as it is.
        shorter_side: re-encode it to that many pixels, in proportion.
    """

    stem: Text | None = None
    longer: Literal["hand over", "cut"] = "hand over"
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    shorter_side: Annotated[int, Field(ge=16, le=4096)] | None = None


class Output(Record):
    """Where the program leaves a sound, and what is done with its length.

    Attributes:
        path: below {output}, by the scene's {stem} or its {row} in the call, counted from 0; it may hold `*`, and one
            file must fit.
        longer: than asked for.
        lacking_seconds: how much may be missing at the end; so much silence is put there, and that is noted.
    """

    path: Text
    longer: Literal["cut", "refuse"] = "cut"
    lacking_seconds: Annotated[float, Field(ge=0, le=1)] = 0.0


class File(Record):
    """A file that must be in the checkout.

    Attributes:
        path: relative to the checkout.
        checkpoint: its row in `foundation.checkpoints`, if it has one.
        flag: of the last step, by which the program can be pointed to another place.
        weights: whether its hash belongs into a run's record.
        get: how to get it, where the program's instructions do not say it.
    """

    path: Text
    checkpoint: str = ""
    flag: str = ""
    weights: bool = False
    get: str = ""


class Recipe(Record):
    """What is known of a program; docs/external-models.md explains every key.

    Attributes:
        sha256: of the files that said it; with a driver, of their hash and its.
        place: of the first of them.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    role: Literal["model", "separator", "judge"] = "model"
    template: bool = False
    summary: Text
    repository: Text
    commit: Text
    instructions: Text
    code_licence: Text
    licence: Text
    trained_on: tuple[Text, ...] = ()
    memory: str = ""
    sample_rate: Annotated[int, Field(ge=1_000, le=768_000)] | None = None
    shortest_seconds: Annotated[float, Field(ge=0)] = 0.0
    longest_seconds: Seconds | None = None
    together: bool = False
    prompted: bool = True
    own_seed: int | None = None
    largest_seed: Annotated[int, Field(ge=0, lt=2**63)] = 2**63 - 1
    imports: tuple[Text, ...] = ()
    tools: tuple[Text, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    notes: tuple[Text, ...] = ()
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Parameter] = Field(default_factory=dict)
    files: tuple[File, ...] = ()
    video: Video = Video()
    csv: dict[Text, str] = Field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    output: Output | None = None
    driver: Driver | None = None
    checkout_holds: str = ""
    sha256: str = ""
    place: Path = Path()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.steps) == (self.driver is not None):
            raise ValueError("steps: expected steps, or a driver in their place, got both or neither")
        if self.steps and self.output is None:
            raise ValueError("output: is missing; say where the program leaves a sound")
        if self.driver is not None and not self.checkout_holds:
            raise ValueError("checkout_holds: is missing; name a file by which a checkout is known")
        for name in RESERVED.intersection(self.parameters):
            raise ValueError(f"parameters.{name}: that name has a meaning of its own; choose another")
        if self.takes_seed == (self.own_seed is not None):
            raise ValueError("own_seed: expected where no text has {seed}, and only there")
        if self.together and self.video.stem is not None:
            raise ValueError("video.stem: one name for all scenes of a call; leave it out, or together")
        for file in self.files:
            if file.checkpoint and file.checkpoint not in checkpoints.CHECKPOINTS:
                raise ValueError(f"files.checkpoint: there is no checkpoint {file.checkpoint!r}")
        return self

    @model_validator(mode="after")
    def _knows_its_places(self) -> Self:
        own = frozenset(self.parameters)
        of_step = (OF_A_CALL if self.together else OF_A_CALL | OF_A_REQUEST) | own
        for index, step in enumerate(self.steps):
            _check(f"steps.{index}.arguments", step.arguments, of_step - (set() if self.csv else {"csv"}))
        if self.driver is not None:
            _check("driver.arguments", self.driver.arguments, OF_A_DRIVER | own)
        for column, text in self.csv.items():
            _check(f"csv.{column}", (text,), OF_A_LINE | own)
        if self.output is not None:
            _check("output.path", (self.output.path,), OF_AN_OUTPUT)
            if self.together and not places((self.output.path,)):
                told = f"expected {{stem}} or {{row}} in it, since all have one folder, got {self.output.path!r}"
                raise ValueError(f"output.path: {told}")
            inside = PurePosixPath(self.output.path)
            if inside.is_absolute() or ".." in inside.parts:
                raise ValueError(f"output.path: expected a path below {{output}}, got {self.output.path!r}")
        if self.steps and self.prompted != ("prompt" in self._said):
            raise ValueError(
                "prompted: expected true where a text has {prompt}, and only there; it is true unless said"
            )
        return self

    @property
    def _said(self) -> set[str]:
        """The places of everything that is said of requests."""
        return places([*(a for step in self.steps for a in step.arguments), *self.csv.values()])

    @property
    def takes_seed(self) -> bool:
        """Whether the program can be given a seed."""
        return self.driver is not None or "seed" in self._said

    @property
    def takes_negative_prompts(self) -> bool:
        """Whether the program can be told what is not wanted."""
        return self.driver.negative_prompts if self.driver is not None else "negative_prompt" in self._said

    @property
    def takes_mask(self) -> bool:
        """Whether the program wants a film of where the prompted thing is."""
        return "mask" in self._said

    @property
    def driver_file(self) -> Path | None:
        """Where the driver is."""
        if self.driver is None:
            return None
        own = self.place.parent / self.driver.file
        return own if own.is_file() else DRIVERS / self.driver.file

    @property
    def program(self) -> Program:
        """The program, as `doctor` and `Installation` want it."""
        files = tuple(ProgramFile(file.path, file.checkpoint, file.flag, file.get) for file in self.files)
        return Program(
            name=self.name, repository=self.repository, revision=self.commit, instructions=self.instructions,
            entry=self.steps[0].entry if self.steps else self.checkout_holds, imports=self.imports, files=files,
            tools=self.tools, memory=self.memory, driven=self.driver is not None,
        )  # fmt: skip


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a file.

    Raises:
        ValueError: it cannot be read, or a key is unknown, missing or of another kind; names file, key, value and what
            was expected.
    """
    found = read_file(path)
    content: dict[str, Any] = {**found.content, "sha256": found.sha256, "place": str(found.path)}
    for key in ("sha256", "place"):
        if key in found.content:
            raise ValueError(f"{path}: {key}: no such key")
    try:
        # By way of JSON: a list stands for a tuple there. A date, which no key takes, becomes a text.
        recipe = Recipe.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise ValueError(f"{path}: {_without_place(what_is_wrong(error))}") from error
    if recipe.driver is None or recipe.driver_file is None:
        return recipe
    if not recipe.driver_file.is_file():
        there = ", ".join(
            sorted(file.name for file in DRIVERS.glob("*.py") if file.stem not in ("__init__", "answering"))
        )
        known = f"expected a file next to the recipe or one of {there}"
        raise ValueError(f"{path}: driver.file: {known}, got {recipe.driver.file!r}")
    both = hashlib.sha256(f"{recipe.sha256} {file_sha256(recipe.driver_file)}".encode()).hexdigest()
    return recipe.model_copy(update={"sha256": both})


def _check(key: str, texts: tuple[Argument, ...], known: frozenset[str] | set[str]) -> None:
    if (text := stray_brace(texts)) is not None:
        raise ValueError(
            f"{key}: {text!r} has a brace of no place, which are written {{name}}; write one as itself twice"
        )
    for name in sorted(places(texts) - known):
        raise ValueError(f"{key}: there is no place {{{name}}} here; there are: {', '.join(sorted(known))}")


def _without_place(fault: str) -> str:
    """Leave out that the whole file is meant where the words name a key themselves."""
    return fault.removeprefix("the whole file: ")
