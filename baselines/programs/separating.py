"""Generate, then separate: any model, and out of its sound what the prompt names, by SAM-Audio."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from baselines.generator import GenerationError, Prepared, Request, UnknownModel, Waveform
from baselines.options import options_of_class
from baselines.programs.by_recipe import ProgramByRecipe, facts_of
from baselines.programs.json_lines import JsonLines
from baselines.programs.recipe import Recipe, read_recipe
from baselines.programs.retries import Answer, only_answer
from baselines.recipes import RECIPES
from baselines.registry import SEPARATE, ModelEntry, OwnModel, class_of, get_model, load_model
from foundation import media
from foundation.names import check_known

Sound = tuple[Waveform, int]
SEPARATOR = "sam-audio"  # its recipe, and its table in models.toml
SHARED = ("device", "models_toml", "work_dir")  # options that both parts are given, as far as they have them


class SoundLines(JsonLines):
    """A driver that is given a sound with every request, as the member `audio`: a .wav of 32-bit floats.

    Attributes:
        sounds: by sample id; to be set before they are asked about.
    """

    sounds: Mapping[str, Sound]

    def _question(self, request: Request, folder: Path, index: int) -> dict[str, Any]:
        path = folder / f"{index:05d}.generated.wav"
        waveform, rate = self.sounds[request.sample_id]
        media.write_audio(path, waveform, rate, subtype="FLOAT")
        return {**super()._question(request, folder, index), "audio": str(path)}


class Separator(ProgramByRecipe):
    """SAM-Audio, kept loaded: a sound and a prompt go in, what of the sound the prompt names comes out."""

    _speaker = SoundLines

    def separate(self, requests: Sequence[Request], sounds: Mapping[str, Sound]) -> list[Answer]:
        """Return what each request's prompt names of its sound, or why there is nothing.

        Args:
            requests: of distinct samples.
            sounds: by sample id, float32 (round(duration * rate),) and their rates in Hz.
        """
        if not isinstance(self._lines, SoundLines):
            raise TypeError(f"recipe {self.recipe.name}: a separator is a driver that takes sounds")
        self._lines.sounds = sounds
        return self.generate_batch(requests)


class GenerateThenSeparate:
    """A model, and SAM-Audio behind it; a class of its own for each model, by `separated`.

    Options are those of the model; `separator`, `predict_spans` and `reranking_candidates` are SAM-Audio's. Where that
    is comes from the table [sam-audio] of models.toml; `device`, `models_toml` and `work_dir` are for both.

    Raises:
        TypeError: an option that neither has.
        MissingProgram: SAM-Audio is not where the settings say.
        ...: what the model raises of its options.
    """

    inner: ClassVar[str]
    separator: ClassVar[type[Separator]]
    sample_rate: int | None = None

    def __init__(self, **options: Any) -> None:
        check_known(options, list(inspect.signature(type(self)).parameters))
        own = {name: options.pop(name) for name in self.separator.recipe.parameters if name in options}
        shared = {name: options[name] for name in SHARED if name in options}
        entry = get_model(self.inner)
        has = options_of_class(class_of(entry))
        kept = {name: value for name, value in options.items() if name in has.names or has.takes_any}
        self._separator = self.separator(**own, **shared)  # first: it opens nothing large, and may be missing
        self._model = cast(Any, load_model(self.inner, **kept))
        self.untrained = bool(getattr(self._model, "untrained", False))
        self.weights = {**getattr(self._model, "weights", {}), **self._separator.weights}
        first = f"sounds of {entry.name}, out of which SAM-Audio takes what the prompt names"
        self.notes = [first, *_texts(getattr(self._model, "notes", ())), *self._separator.notes]
        self.on_progress: Callable[[int], None] = lambda _count: None  # the harness puts its own here
        if callable(getattr(self._model, "prepare", None)) and callable(
            getattr(self._model, "generate_prepared", None)
        ):
            self.prepare: Any = self._model.prepare
            self.generate_prepared = self._generate_prepared
        for hook in ("fitting_batch", "needs_preparing", "device"):  # what the harness asks a model about itself
            if hasattr(self._model, hook):
                setattr(self, hook, getattr(self._model, hook))

    def generate(self, request: Request) -> Waveform | Sound:
        """Return what the prompt names of the model's sound, float32 (round(duration * 48000),).

        Raises:
            GenerationError: model or separator have no answer.
        """
        return only_answer(self.generate_batch([request]))

    def generate_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return an answer or a `GenerationError` for each; a model that takes one at a time is asked one by one."""
        if hasattr(self._model, "on_progress"):
            self._model.on_progress = lambda count: self.on_progress(count // 2)
        if len(requests) > 1 and callable(getattr(self._model, "generate_batch", None)):
            answers = list(self._model.generate_batch(list(requests)))
        else:
            answers = [self._asked(request) for request in requests]
        return self._separated(requests, answers)

    def close(self) -> None:
        """Let both parts end."""
        if callable(getattr(self._model, "close", None)):
            self._model.close()
        self._separator.close()

    def _generate_prepared(self, requests: Sequence[Request], prepared: Sequence[Prepared]) -> list[Answer]:
        return self._separated(requests, list(self._model.generate_prepared(requests, prepared)))

    def _asked(self, request: Request) -> Answer:
        try:
            answer: Answer = self._model.generate(request)
        except GenerationError as error:
            return error
        return answer

    def _separated(self, requests: Sequence[Request], answers: Sequence[Answer]) -> list[Answer]:
        """Return the answers with every sound in the place of its model's; failures stay as they are."""
        if len(answers) != len(requests):
            raise GenerationError(f"{self.inner} gave {len(answers)} answers to {len(requests)} requests")
        sounds: dict[str, Sound] = {}
        found: dict[str, Answer] = {}
        for request, answer in zip(requests, answers, strict=True):
            try:
                sounds[request.sample_id] = self._whole(answer, request)
            except GenerationError as error:
                found[request.sample_id] = error
        half = len(requests) - len(sounds) + len(sounds) // 2
        self._separator.on_progress = lambda count: self.on_progress(min(len(requests), half + count - count // 2))
        asked = [request for request in requests if request.sample_id in sounds]
        parts = self._separator.separate(asked, sounds) if asked else []
        found |= {request.sample_id: part for request, part in zip(asked, parts, strict=True)}
        return [found[request.sample_id] for request in requests]

    def _whole(self, answer: object, request: Request) -> Sound:
        """Return a model's sound of the length asked for; a longer one is cut.

        Raises:
            GenerationError: it is a failure, or no finite mono sound of that length.
        """
        if isinstance(answer, GenerationError):
            raise answer
        waveform, rate = answer if isinstance(answer, tuple) else (answer, self._model.sample_rate)
        sound = np.asarray(waveform)
        wanted = round(request.duration * rate) if isinstance(rate, int | np.integer) and rate > 0 else 0
        if not wanted or sound.ndim != 1 or sound.dtype.kind != "f" or sound.size < wanted:
            told = f"{sound.dtype} {sound.shape} at {rate} Hz, expected floats ({wanted},)"
            raise GenerationError(f"{self.inner} answered {told}")
        if not np.isfinite(sound[:wanted]).all():
            raise GenerationError(f"{self.inner} answered a sound that is not finite")
        return sound[:wanted].astype(np.float32), int(rate)


def separated(name: str) -> ModelEntry:
    """Return the row of a model whose sounds are separated.

    Args:
        name: of the model, as in `get_model`.

    Raises:
        UnknownModel: no such model, or it is one of these itself.
        ValueError: it has an option of the separator's name.
    """
    if name.startswith(SEPARATE) or not name:
        raise UnknownModel(f"{SEPARATE}{name}: expected {SEPARATE}MODEL, a model that is not itself separated")
    inner = get_model(name)
    sha256 = inner.source_sha256 if isinstance(inner, OwnModel) else ""
    model = _class(name, inner.name, class_of(inner), sha256)
    recipe = model.separator.recipe
    return replace(
        inner,
        name=f"separate-{inner.name}",
        target=model,
        kind="control" if inner.kind == "control" else "model",
        options={**inner.options, **recipe.parameters},
        program=recipe.program,
        licence=_both(inner.licence, recipe.licence),
        code_licence=_both(inner.code_licence, recipe.code_licence),
        revision=_both(inner.revision, recipe.commit),
        source=inner.source or recipe.repository,
        summary=f"{inner.name}, then SAM-Audio takes out of it what the prompt names",
        rows=(),
    )


@cache
def _class(name: str, inner_name: str, inner: type, _sha256: str) -> type[GenerateThenSeparate]:
    """Return the class for a model, one and the same as long as the model is."""
    separator = _separator()
    options = options_of_class(inner)
    double = set(separator.recipe.parameters).intersection(options.names)
    if double:
        raise ValueError(f"{name}: its option {min(double)!r} is SAM-Audio's too; rename it in the model")
    names = dict.fromkeys([*options.names, *separator.recipe.parameters, *SHARED])
    parameters = [
        inspect.Parameter(
            option,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if option in options.required else None,
        )
        for option in names
    ]
    if options.takes_any:
        parameters.append(inspect.Parameter("others", inspect.Parameter.VAR_KEYWORD))
    facts = {
        "__module__": __name__,
        "__doc__": f"{inner_name}, then SAM-Audio.",
        "__signature__": inspect.Signature(parameters),
        "inner": name,
        "separator": separator,
        "sample_rate": separator.sample_rate,
        "shortest_seconds": getattr(inner, "shortest_seconds", 0.0),
        "longest_seconds": getattr(inner, "longest_seconds", math.inf),
    }
    return type(f"separate-{inner_name}", (GenerateThenSeparate,), facts)


@cache
def _separator() -> type[Separator]:
    recipe: Recipe = read_recipe(RECIPES / f"{SEPARATOR}.toml")
    return type(SEPARATOR, (Separator,), facts_of(recipe))


def _both(one: str, other: str) -> str:
    return f"{one}; SAM-Audio: {other}" if one else f"SAM-Audio: {other}"


def _texts(notes: object) -> list[str]:
    """Return a model's notes; one alone may be given without a list."""
    return [notes] if isinstance(notes, str) else [str(note) for note in notes]  # type: ignore[attr-defined]
