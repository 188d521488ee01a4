"""What a model under test is: a request goes in, a waveform comes out; and the registry that finds one by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]  # (samples,), full scale 1
Kind = Literal["model", "control", "recorded", "external"]
ENTRY_POINT_GROUP = "vgg_monoaudio.models"


class GenerationError(Exception):
    """A model has no answer for one sample; the message is the reason shown to the user."""


class UnknownModel(ValueError):
    """A model name that nobody registered."""


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        sample_id: the manifest's filename, without extension.
        video: the scene, an mp4 of at least `duration` seconds.
        prompt: text that names the sound wanted.
        negative_prompt: text that names the sound not wanted; models are free to ignore it, "" is none.
        duration: seconds of sound wanted.
        seed: the only source of randomness; made from run seed and sample id.
    """

    sample_id: str
    video: Path
    prompt: str
    negative_prompt: str
    duration: float
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "video", Path(self.video))  # a person types a string


@dataclass(frozen=True)
class Reference:
    """The truth about one sample. Only controls may see it."""

    target_id: str
    target_audio: Path
    paired_audio: Path | None  # None where nothing stands beside the target


@runtime_checkable
class Generator(Protocol):
    """A model under test.

    Keyword arguments of the constructor are the model's options. A model that is faster on several requests at once
    may add `generate_batch(requests) -> list[Waveform]`; its answers must not depend on how requests are batched.
    """

    sample_rate: int | None  # Hz of every waveform; None: each answer is a pair (waveform, its rate)

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return float32, shape (round(duration x sample_rate),), within [-1, 1].

        Raises:
            GenerationError: there is no answer for this request; the next one may still work.
        """
        ...


@dataclass(frozen=True)
class ModelEntry:
    """What is known of a model without importing it."""

    name: str
    target: str | type  # "module:Class", or the class itself
    kind: Kind = "model"
    options: Mapping[str, Any] = field(default_factory=dict)  # given to the constructor, under the user's own
    checkpoints: tuple[str, ...] = ()
    licence: str = ""
    trained_on: tuple[str, ...] = ()
    source: str = ""
    revision: str = ""
    summary: str = ""
    alias_of: str = ""
    code_licence: str = ""
    program: str = ""  # "module:PROGRAM", of what it drives in a checkout
    unpublished: tuple[str, ...] = ()  # parts that nobody offers: they come through the option `checkpoint`
    rows: tuple[str, ...] = ()  # of the paper's tables, "table: row" as in results/published

    @property
    def needs_references(self) -> bool:
        """Controls are built from the benchmark's own sounds."""
        return self.kind == "control"


_ENTRIES: dict[str, ModelEntry] = {}
_Class = TypeVar("_Class", bound=type)


def register_model(
    name: str,
    *,
    target: str | None = None,
    kind: Kind = "model",
    options: Mapping[str, Any] | None = None,
    checkpoints: tuple[str, ...] = (),
    licence: str = "",
    trained_on: tuple[str, ...] = (),
    source: str = "",
    revision: str = "",
    summary: str = "",
    alias_of: str = "",
    code_licence: str = "",
    program: str = "",
    unpublished: tuple[str, ...] = (),
    rows: tuple[str, ...] = (),
) -> Callable[[_Class], _Class]:
    """Make a model known under a name, either by `target` ("module:Class") or as a decorator of its class.

    Args:
        name: lower case, as typed on the command line.
        target: where the class is; imported only when the model is used. Leave it out to decorate the class.
        kind: model, control, recorded or external.
        options: constructor arguments that belong to this name.
        checkpoints: names in `foundation.checkpoints`.
        licence: of the weights.
        trained_on: data sets, so that a reader can judge overlap with the benchmark.
        source: address of the original.
        revision: commit or version of the original.
        summary: one line for `list-models`.
        alias_of: the registered name that this one stands for; the new name then needs nothing else.
        code_licence: of the original's code.
        program: what it drives in a checkout, "module:PROGRAM" of a `baselines.programs.program.Program`.
        unpublished: parts of the weights that nobody offers.
        rows: of the paper's tables that this name makes, "table: row".

    Raises:
        ValueError: the name is taken by another class, or the alias is one of a name that nobody registered.
    """

    def add(where: str | type) -> None:
        known = _ENTRIES[name].target if name in _ENTRIES else None
        itself = known is not None and isinstance(known, str) and isinstance(where, type) and known == _place(where)
        if known is not None and not itself:  # a class may say more of itself than its package's entry point did
            raise ValueError(f"model {name!r} is registered already, by {_ENTRIES[name].target!r}")
        if alias_of and alias_of not in _ENTRIES:
            raise ValueError(f"model {name!r} is to stand for {alias_of!r}, which is not registered")
        _ENTRIES[name] = ModelEntry(
            name,
            where,
            kind,
            dict(options or {}),
            checkpoints,
            licence,
            trained_on,
            source,
            revision,
            summary,
            alias_of,
            code_licence,
            program,
            unpublished,
            rows,
        )

    def decorate(model: _Class) -> _Class:
        add(model)
        return model

    if target is not None:
        add(target)
    elif alias_of:
        add(_ENTRIES[alias_of].target if alias_of in _ENTRIES else "")
    return decorate


def list_models() -> list[ModelEntry]:
    """Return every registered model, in the order of registration, without importing any."""
    _load_entry_points()
    return list(_ENTRIES.values())


def get_model(name: str) -> ModelEntry:
    """Return what is known of a model.

    Raises:
        UnknownModel: nobody registered the name; the message gives near ones.
    """
    _load_entry_points()
    if name not in _ENTRIES:
        near = difflib.get_close_matches(name, _ENTRIES, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(_ENTRIES)}"
        raise UnknownModel(f"unknown model {name!r}; {hint}")
    entry = _ENTRIES[name]
    return get_model(entry.alias_of) if entry.alias_of else entry


def load_model(name: str, **options: Any) -> Generator:
    """Return a model, ready to generate.

    Args:
        name: a registered name.
        options: the model's own options, as keyword arguments of its class.

    Raises:
        UnknownModel: no such name.
        ValueError: an option that the model does not have, a required one that is not given, or a class that is no
            `Generator`.
        foundation.checkpoints.MissingCheckpoint: its weights are not there.
    """
    model_class = _resolve(get_model(name).target)
    entry = get_model(name)  # again: a class of another package may say more of itself when it is imported
    arguments = {**entry.options, **options}
    parameters = inspect.signature(model_class).parameters.values()
    named = {p.name: p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)  # a foreign class may be so; then it must check
    unknown = sorted(set(arguments) - set(named))
    if unknown and not takes_any:
        raise ValueError(f"model {name!r} has no option {unknown[0]!r}; it has: {', '.join(named) or 'none'}")
    missing = [p.name for p in named.values() if p.default is p.empty and p.name not in arguments]
    if missing:
        raise ValueError(f"model {name!r} needs the option {missing[0]!r}")
    model: Generator = model_class(**arguments)
    if not isinstance(model, Generator):
        raise ValueError(f"model {name!r}: {entry.target!r} is no generator; it needs `sample_rate` and `generate`")
    return model


def option_names(entry: ModelEntry) -> list[str]:
    """Return the names of a model's options; imports the model."""
    return list(inspect.signature(_resolve(entry.target)).parameters)


def _place(target: str | type) -> str:
    """Return where a class is, whichever way that is said."""
    return target if isinstance(target, str) else f"{target.__module__}:{target.__qualname__}"


def _resolve(target: str | type) -> type:
    if isinstance(target, type):
        return target
    module, _, attribute = target.partition(":")
    resolved: type = getattr(import_module(module), attribute)
    return resolved


def _load_entry_points() -> None:
    """Read models that installed packages offer under the group `vgg_monoaudio.models`; names only.

    Raises:
        ValueError: a package offers a model under a name that is taken.
    """
    for point in entry_points(group=ENTRY_POINT_GROUP):
        target, package = f"{point.module}:{point.attr}", point.dist.name if point.dist else "an unknown package"
        taken = _ENTRIES.get(point.name)
        if taken is None:
            register_model(point.name, target=target, summary=f"from {package}")
        elif _place(taken.target) != target:
            raise ValueError(f"{package} offers a model {point.name!r}, a name that {taken.target!r} has already")
