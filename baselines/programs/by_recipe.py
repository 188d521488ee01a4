"""An official program as its recipe says: started once for a request or for many, and its sounds read back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, get_args

from baselines.generator import Request, Waveform
from baselines.programs.calls import Calls
from baselines.programs.json_lines import TIME_LIMIT_SECONDS, JsonLines
from baselines.programs.process import MissingProgram
from baselines.programs.program import Installation, Program, ProgramWeights
from baselines.programs.recipe import Driver, Parameter, Recipe
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.settings import ProgramOptions, read_settings, whole_number
from baselines.programs.templates import as_text, words
from baselines.programs.vos_mmaudio import Segmenter, SegmenterName, segmenter_of
from foundation import checkpoints
from foundation.names import check_known, joined

_PROGRAM = tuple(ProgramOptions.__annotations__)


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
    _speaker: ClassVar[type[JsonLines]] = JsonLines

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
        self._installation = Installation(self.program, settings)
        masks: Segmenter | None = None
        if recipe.takes_mask:
            known = {name: where[name] for name in ("device", "models_toml") if name in where}
            masks = segmenter_of(segmenter, read_settings("vos-mmaudio", **known))
        self.weights = {**self._installation.weights, **self._hashed(), **getattr(masks, "weights", {})}
        self.notes = [*self._installation.notes, *getattr(masks, "notes", ()), *self._told()]
        self.on_progress: Callable[[int], None] = lambda _count: None  # the harness puts its own here
        values = {name: as_text(name, value) for name, value in self._parameters.items()}
        values["device"] = settings.device or "cuda"
        self._lines = self._driver(recipe.driver, values, {**where, "env": settings.env}) if recipe.driver else None
        if recipe.output is not None:
            self._calls = Calls(recipe, self._installation, recipe.output, values, self._seed_of, masks)

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
        for group in self._calls.grouped(requests):
            found = answer_with_retries(group, partial(self._attempt, end=len(answers) + len(group)))
            answers |= {request.sample_id: answer for request, answer in zip(group, found, strict=True)}
        return [self._with_rate(answers[request.sample_id]) for request in requests]

    def _attempt(self, requests: Sequence[Request], *, end: int) -> Attempt:
        """Start the program for what is left of a group, `end` of the batch being done when that is."""
        return self._calls.start(requests, lambda count: self.on_progress(end - len(requests) + count))

    def close(self) -> None:
        """Let a program that stays loaded end."""
        if self._lines is not None:
            self._lines.close()

    def _with_rate(self, answer: Answer) -> Answer:
        return answer[0] if isinstance(answer, tuple) and self.sample_rate is not None else answer

    def _seed_of(self, request: Request) -> int:
        return self._seed if self._seed is not None else request.seed % (self.recipe.largest_seed + 1)

    @classmethod
    def check_values(cls, options: Mapping[str, Any]) -> None:
        """Refuse what the constructor would refuse of the recipe's own options; nothing is looked for or run.

        Args:
            options: names that the class has, with their values.

        Raises:
            ValueError: a value that a parameter, the seed or the segmenter cannot have.
        """
        for name, value in options.items():
            if name in cls.recipe.parameters and value is not None:
                cls._parameter(name, value)
        if options.get("seed") is not None:
            cls._checked_seed(options["seed"])
        if options.get("segmenter") is not None and options["segmenter"] not in get_args(SegmenterName):
            known = joined(get_args(SegmenterName))
            raise ValueError(f"segmenter: expected {known}, got {options['segmenter']!r}")

    @classmethod
    def _checked_seed(cls, seed: object) -> int:
        number = whole_number("seed", seed)
        if not 0 <= number <= cls.recipe.largest_seed:
            raise ValueError(f"seed: expected 0 to {cls.recipe.largest_seed}, which the program takes, got {number}")
        return number

    @classmethod
    def _parameter(cls, name: str, value: object) -> Parameter:
        """Return a parameter of the kind that the recipe's own value has; a whole number stands for a number."""
        kind = type(cls.recipe.parameters[name])
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind or not isinstance(value, get_args(Parameter)):
            raise ValueError(f"{name}: expected a value like {cls.recipe.parameters[name]!r}, got {value!r}")
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
        if recipe.role == "model" and not recipe.prompted:
            notes.append("the program is not told the prompt: it answers every text alike")
        if recipe.role == "model" and not recipe.takes_negative_prompts:
            notes.append("the program takes no negative prompts; they are left out")
        return notes

    def _driver(self, driver: Driver, values: Mapping[str, str], where: Mapping[str, Any]) -> JsonLines:
        command = [str(self._installation.interpreter), str(self.recipe.driver_file), *words(driver.arguments, values)]
        return self._speaker(command=command, sample_rate=self.recipe.sample_rate, settings=self.recipe.name, **where)


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
