"""An official program as its recipe says: started once for a request or for many, and its sounds read back."""

from __future__ import annotations

import csv
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, get_args

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.json_lines import TIME_LIMIT_SECONDS, JsonLines
from baselines.programs.outputs import naming_disk_errors, read_sound
from baselines.programs.process import MissingProgram, ProgramFailed
from baselines.programs.program import Installation, Program, ProgramWeights
from baselines.programs.recipe import Output, Parameter, Recipe
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.scenes import hand_over, write_mask
from baselines.programs.settings import ProgramOptions, read_settings, whole_number
from baselines.programs.templates import as_text, filled, places, words
from baselines.programs.vos_mmaudio import Segmenter, SegmenterName, segmenter_of
from foundation import checkpoints
from foundation.names import check_known

_PROGRAM = tuple(ProgramOptions.__annotations__)


@dataclass(frozen=True)
class Scene:
    """A request, and what of it lies in the folder of a call.

    Attributes:
        values: of the places that are its own.
    """

    request: Request
    values: Mapping[str, str]


class ProgramByRecipe:
    """Text and video to mono audio, by a program that a recipe describes; a class of its own for each, by `model_of`.

    Options are the recipe's parameters; `seed`, one whole number for every sample, where the program takes one;
    `segmenter` where it wants masks; and where it is and how to run it, absent ones of which come from the table of
    models.toml that has the recipe's name.

    Raises:
        TypeError: an option that there is not.
        ValueError: a setting that cannot be.
        MissingProgram: no checkout, interpreter, tool or file there.
        foundation.checkpoints.MissingCheckpoint: one of its checkpoints is not there.
    """

    recipe: ClassVar[Recipe]
    program: ClassVar[Program]
    sample_rate: int | None = None

    def __init__(self, **options: Any) -> None:
        recipe = self.recipe
        check_known(options, list(inspect.signature(type(self)).parameters))
        given = {name: value for name, value in options.items() if value is not None}
        where: Any = {name: given.pop(name) for name in _PROGRAM if name in given}
        seed = given.pop("seed", None)
        self._seed = None if seed is None else self._checked_seed(seed)
        segmenter = given.pop("segmenter", "deva")
        self._parameters = {**recipe.parameters, **{name: self._parameter(name, given[name]) for name in given}}
        limit = TIME_LIMIT_SECONDS if recipe.driver else 1800.0
        settings = read_settings(recipe.name, default_time_limit_seconds=limit, **where)
        settings = replace(settings, env={**recipe.environment, **settings.env})
        self._device = settings.device or "cuda"
        self._installation = Installation(self.program, settings)
        self._segmenter: Segmenter | None = None
        if recipe.takes_mask:
            known = {name: where[name] for name in ("device", "models_toml") if name in where}
            self._segmenter = segmenter_of(segmenter, read_settings("vos-mmaudio", **known))
        self.weights = {**self._installation.weights, **self._hashed(), **getattr(self._segmenter, "weights", {})}
        self.notes = [*self._installation.notes, *getattr(self._segmenter, "notes", ()), *self._told()]
        self.on_progress: Callable[[int], None] = lambda _count: None  # the harness puts its own here
        self._done = 0
        self._lines = self._driver({**where, "env": settings.env}) if recipe.driver else None

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return the sound of one scene, float32 (round(duration * rate),), and its rate where that is not fixed.

        Raises:
            GenerationError: the scene cannot be handed over, or the program has no answer for it.
        """
        return only_answer(self.generate_batch([request]))

    def generate_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return an answer or a `GenerationError` for each; the program starts once for those that can share a call."""
        if self._lines is not None:
            self._lines.on_progress = self.on_progress
            return self._lines.generate_batch([replace(request, seed=self._seed_of(request)) for request in requests])
        answers: dict[str, Answer] = {}
        self._done = 0
        for group in self._calls(requests):
            found = answer_with_retries(group, partial(self._attempt, self._done + len(group)))
            answers |= {request.sample_id: answer for request, answer in zip(group, found, strict=True)}
            self._done += len(group)
        return [self._with_rate(answers[request.sample_id]) for request in requests]

    def close(self) -> None:
        """Let a program that stays loaded end."""
        if self._lines is not None:
            self._lines.close()

    def _calls(self, requests: Sequence[Request]) -> list[list[Request]]:
        """Return the requests by call: those that the command says the same of, where the program takes several."""
        if not self.recipe.together:
            return [[request] for request in requests]
        said = places(argument for step in self.recipe.steps for argument in step.arguments)
        calls: dict[tuple[str, ...], list[Request]] = {}
        for request in requests:
            told = self._of_request(request)
            calls.setdefault(tuple(told[name] for name in sorted(said & set(told))), []).append(request)
        return list(calls.values())

    def _attempt(self, end: int, requests: Sequence[Request]) -> Attempt:
        try:
            with self._installation.work_folder() as folder, naming_disk_errors():
                return self._call(requests, folder, end - len(requests))
        except GenerationError as error:  # the folder itself: no sample of the call can be asked
            return Attempt({request.sample_id: error for request in requests})

    def _call(self, requests: Sequence[Request], folder: Path, before: int) -> Attempt:
        """Hand the scenes over, run the steps, and read what they wrote."""
        for name in ("videos", "masks", "features", "output"):
            (folder / name).mkdir()
        scenes: list[Scene] = []
        refused: dict[str, Answer] = {}
        for index, request in enumerate(requests):
            try:
                with naming_disk_errors():
                    scenes.append(self._scene(request, folder, index, row=len(scenes)))
            except GenerationError as error:
                refused[request.sample_id] = error
        if not scenes:
            return Attempt(refused)
        values = {**self._of_call(folder), **scenes[0].values}
        if self.recipe.csv:
            self._write_csv(folder / "requests.csv", scenes)
        crash = ""
        output = folder / "output"
        try:
            for step in self.recipe.steps:
                self._installation.run(
                    words(step.arguments, values), entry=step.entry, launcher=step.launcher,
                    flags=step is self.recipe.steps[-1], finished=lambda: _files_below(folder),
                    progress=lambda _count: self.on_progress(before + sum(self._wrote(output, s) for s in scenes)),
                )  # fmt: skip
        except ProgramFailed as error:
            crash = str(error)
        return Attempt(refused | self._collected(scenes, output, complete=not crash), crash)

    def _scene(self, request: Request, folder: Path, index: int, *, row: int) -> Scene:
        stem = self.recipe.video.stem or f"{index:05d}"
        video, mask = folder / "videos" / f"{stem}.mp4", folder / "masks" / f"{stem}.mp4"
        hand_over(request, self.recipe.video, video)
        if self._segmenter is not None:
            counts = self._installation.settings.log_path.with_name(f"{self.recipe.name}.masks.jsonl")
            write_mask(request, self._segmenter, mask, counts)
        files = {"stem": stem, "row": str(row), "video": str(video), "mask": str(mask)}
        return Scene(request, {**files, **self._of_request(request)})

    def _of_request(self, request: Request) -> dict[str, str]:
        """Return what is said of a request, without its files."""
        return {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "duration": f"{request.duration:.12g}",
            "seed": str(self._seed_of(request)),
        }

    def _of_call(self, folder: Path) -> dict[str, str]:
        folders = {name: str(folder / name) for name in ("videos", "features", "output")}
        return {**self._told_parameters, **folders, "csv": str(folder / "requests.csv"), "device": self._device}

    @property
    def _told_parameters(self) -> dict[str, str]:
        return {name: as_text(name, value) for name, value in self._parameters.items()}

    def _write_csv(self, path: Path, scenes: Sequence[Scene]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(self.recipe.csv)
            for scene in scenes:
                lines.writerow(
                    filled(text, {**self._told_parameters, **scene.values}) for text in self.recipe.csv.values()
                )

    def _collected(self, scenes: Sequence[Scene], output: Path, *, complete: bool) -> dict[str, Answer]:
        """Return the answers that a call left; those of scenes whose turn did not end are left out."""
        begun = [place for place, scene in enumerate(scenes) if self._wrote(output, scene)]
        # The scene that a crash came upon may be half done, and those behind it were not begun: an absent or broken
        # file says nothing against them. Those in front of it had their turn.
        over = len(scenes) if complete else max(begun, default=0)
        found: dict[str, Answer] = {}
        for place, scene in enumerate(scenes):
            answer = self._read(output, scene)
            if place < over or not isinstance(answer, GenerationError):
                found[scene.request.sample_id] = answer
        return found

    def _read(self, output: Path, scene: Scene) -> Answer:
        rule = self._output
        matches = self._matches(output, scene)
        if len(matches) != 1:
            wanted = filled(rule.path, scene.values)
            there = f"{len(matches)} files fit {wanted}, expected one" if matches else f"the program wrote no {wanted}"
            return GenerationError(there)
        try:
            seconds = scene.request.duration
            sound, rate = read_sound(
                matches[0], seconds, sample_rate=self.recipe.sample_rate, lacking_seconds=rule.lacking_seconds,
                refuse_longer=rule.longer == "refuse",
            )  # fmt: skip
        except GenerationError as error:
            return error
        return sound, rate

    def _matches(self, output: Path, scene: Scene) -> list[Path]:
        return sorted(output.glob(filled(self._output.path, scene.values)))

    def _wrote(self, output: Path, scene: Scene) -> bool:
        return bool(self._matches(output, scene))

    @property
    def _output(self) -> Output:
        if self.recipe.output is None:
            raise ValueError(f"recipe {self.recipe.name}: output: is missing")
        return self.recipe.output

    def _with_rate(self, answer: Answer) -> Answer:
        return answer[0] if isinstance(answer, tuple) and self.sample_rate is not None else answer

    def _seed_of(self, request: Request) -> int:
        return self._seed if self._seed is not None else request.seed % (self.recipe.largest_seed + 1)

    def _checked_seed(self, seed: object) -> int:
        number = whole_number("seed", seed)
        if not 0 <= number <= self.recipe.largest_seed:
            raise ValueError(f"seed: expected 0 to {self.recipe.largest_seed}, which the program takes, got {number}")
        return number

    def _parameter(self, name: str, value: object) -> Parameter:
        """Return a parameter of the kind that the recipe's own value has; a whole number stands for a number."""
        kind = type(self.recipe.parameters[name])
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind or not isinstance(value, get_args(Parameter)):
            raise ValueError(f"{name}: expected a value like {self.recipe.parameters[name]!r}, got {value!r}")
        return value

    def _hashed(self) -> dict[str, ProgramWeights]:
        """Return the weights without a row of their own, by path, with the hash of what is there."""
        found = {}
        for file in self.recipe.files:
            path = self._installation.checkout / file.path
            if not file.checkpoint and not path.is_file():
                get = file.get or self.recipe.instructions
                raise MissingProgram(f"{self.recipe.name}: {path} is missing\n  to get it   {get}")
            if file.weights and not file.checkpoint:
                found[file.path] = ProgramWeights(path, checkpoints.digests(path).sha256, verified=False)
        return found

    def _told(self) -> list[str]:
        """Return what a reader of a table should know of how the program was asked."""
        recipe = self.recipe
        notes = [f"recipe {recipe.name}, sha256 {recipe.sha256}", *recipe.notes]
        if self._seed is not None:
            notes.append(f"every sample is drawn from seed {self._seed}")
        elif recipe.own_seed is not None:
            notes.append(f"every start draws from the program's own seed {recipe.own_seed}")
        if recipe.together and (self._seed is not None or recipe.own_seed is not None):
            notes.append("the samples of a batch are drawn one after the other: answers depend on --batch-size")
        if recipe.output is not None and recipe.output.lacking_seconds:
            notes.append(f"up to {recipe.output.lacking_seconds:g} s missing at an end are made up with silence")
        if not recipe.takes_negative_prompts:
            notes.append("the program takes no negative prompts; they are left out")
        return notes

    def _driver(self, where: Mapping[str, Any]) -> JsonLines:
        driver, recipe = self.recipe.driver, self.recipe
        arguments = () if driver is None else driver.arguments
        values = {**self._told_parameters, "device": self._device}
        command = [str(self._installation.interpreter), str(recipe.driver_file), *words(arguments, values)]
        return self._speaker(command=command, sample_rate=recipe.sample_rate, settings=recipe.name, **where)

    _speaker: ClassVar[type[JsonLines]] = JsonLines


def model_of(recipe: Recipe) -> type[ProgramByRecipe]:
    """Return the class of a recipe, whose constructor takes the recipe's options and no other."""
    return type(recipe.name, (ProgramByRecipe,), facts_of(recipe))


def facts_of(recipe: Recipe) -> dict[str, Any]:
    """Return what a class has of its recipe."""
    longest = {} if recipe.longest_seconds is None else {"longest_seconds": recipe.longest_seconds}
    return {
        "__module__": __name__,
        "__doc__": f"{recipe.summary}; by the recipe {recipe.place.name}.",
        "__signature__": inspect.Signature([_option(name) for name in _options(recipe)]),
        "recipe": recipe,
        "program": recipe.program,
        "sample_rate": recipe.sample_rate,
        "shortest_seconds": recipe.shortest_seconds,
        **longest,
    }


def _options(recipe: Recipe) -> list[str]:
    seed = ["seed"] if recipe.takes_seed else []
    mask = ["segmenter"] if recipe.takes_mask else []
    return [*recipe.parameters, *seed, *mask, *_PROGRAM]


def _option(name: str) -> inspect.Parameter:
    annotation = SegmenterName if name == "segmenter" else Any
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _files_below(folder: Path) -> int:
    """Return how many files there are: features and sounds alike show that a program is at work."""
    return sum(len(files) for _folder, _folders, files in os.walk(folder))
