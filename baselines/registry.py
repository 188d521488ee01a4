"""The models by name: what is known of each without importing it, and loading one."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, get_args

from baselines.generator import Generator, UnknownModel
from baselines.options import options_of_class
from baselines.own import find_class, is_address, naming_file
from foundation.names import joined, load, nearest

if TYPE_CHECKING:
    from baselines.programs.program import Program

Kind = Literal["model", "control", "recorded", "external"]
ENTRY_POINT_GROUP = "vgg_monoaudio.models"
SEPARATE = "separate:"  # in front of a model whose sounds are then separated by the prompt


@dataclass(frozen=True)
class ModelEntry:
    """What is known of a model without importing it.

    Attributes:
        name: lower case, as typed on the command line.
        target: the class, or where it is, "module:Class"; then it is imported when the model is used.
        kind: model, control, recorded or external.
        options: constructor arguments that belong to this name; the user's own come on top.
        checkpoints: names in `foundation.checkpoints`.
        licence: of the weights.
        trained_on: data sets, so that a reader can judge overlap with the benchmark.
        source: address of the original.
        revision: commit or version of the original; of a control, the number of its definition after the first.
        summary: one line for `list-models`.
        alias_of: the registered name that this one stands for; it needs no other field then.
        code_licence: of the original's code.
        program: the `baselines.programs.program.Program` that it drives in a checkout, or where one is,
            "module:PROGRAM".
        unpublished: parts of the weights that are not published: they come through the option `checkpoint`.
        rows: of the paper's tables that this name makes, "table: row" as in results/published.
        title: what figures and pages call it; "" for its name.
    """

    name: str
    _: KW_ONLY
    target: str | type = ""
    kind: Kind = "model"
    options: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: tuple[str, ...] = ()
    licence: str = ""
    trained_on: tuple[str, ...] = ()
    source: str = ""
    revision: str = ""
    summary: str = ""
    alias_of: str = ""
    code_licence: str = ""
    program: str | Program = ""
    unpublished: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        options: object = self.options or {}
        if not isinstance(options, Mapping):
            raise ValueError(f"model {self.name!r}: options: expected a dictionary, got {options!r}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"model {self.name!r}: kind: expected {', '.join(get_args(Kind))}, got {self.kind!r}")
        object.__setattr__(self, "options", dict(options))  # the caller's may change
        for fact in ("checkpoints", "trained_on", "unpublished", "rows"):
            value = getattr(self, fact)
            if isinstance(value, str) or not isinstance(value, Iterable):
                raise ValueError(
                    f"model {self.name!r}: {fact}: expected several texts, as in ('a', 'b'), got {value!r}"
                )
            object.__setattr__(self, fact, tuple(value))

    @property
    def needs_references(self) -> bool:
        """Controls are built from the benchmark's own sounds."""
        return self.kind == "control"

    @property
    def place(self) -> str:
        """Where the class is, "module:Class"."""
        return self.target if isinstance(self.target, str) else f"{self.target.__module__}:{self.target.__qualname__}"


@dataclass(frozen=True, kw_only=True)
class OwnModel(ModelEntry):
    """A model that was asked for by the address of its class, or by its recipe.

    Attributes:
        file: the file that holds the class or the recipe.
        source_sha256: of that file's bytes; of a recipe that builds on others or has a driver, of all of them.
    """

    file: Path
    source_sha256: str


_ENTRIES: dict[str, ModelEntry] = {}
_Class = TypeVar("_Class", bound=type)
_Facts = ParamSpec("_Facts")


class _Decorator(Protocol):
    def __call__(self, model: _Class, /) -> _Class: ...


def _taking_facts_of(
    _entry: Callable[_Facts, ModelEntry],
) -> Callable[[Callable[..., _Decorator]], Callable[_Facts, _Decorator]]:
    """Give a function the typed arguments of `ModelEntry`, whose fields are then written in one place."""
    return lambda function: function


@_taking_facts_of(ModelEntry)
def register_model(name: str, **facts: Any) -> _Decorator:
    """Make a model known under a name, either by `target` ("module:Class") or as a decorator of its class.

    Args:
        name: lower case, as typed on the command line.
        facts: the other fields of `ModelEntry`. Leave `target` out to decorate the class.

    Raises:
        ValueError: the name is empty or belongs to another class, `alias_of` is not registered, or there is no such
            fact, or it is of another type.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f'register_model: expected a name, as in @register_model("mymodel"), got {name!r}')
    known = [key for key in ModelEntry.__dataclass_fields__ if key not in {"name", "_"}]
    for fact in facts:
        if fact not in known:
            meant = nearest(fact, known) or known
            raise ValueError(f"model {name!r}: there is no fact {fact!r}; did you mean {joined(meant)}?")

    def decorate(model: _Class) -> _Class:
        _add(ModelEntry(name, **{**facts, "target": model}))
        return model

    if facts.get("target"):
        _add(ModelEntry(name, **facts))
    elif alias := facts.get("alias_of"):
        _add(ModelEntry(name, **{**facts, "target": _ENTRIES[alias].target if alias in _ENTRIES else ""}))
    return decorate


def _add(entry: ModelEntry) -> None:
    known = _ENTRIES.get(entry.name)
    # A class may say more of itself than the entry point of its package did, and may be imported again.
    itself = known is not None and isinstance(entry.target, type) and known.place == entry.place
    if known is not None and not itself:
        raise ValueError(f"model {entry.name!r} is registered already, by {known.target!r}")
    if entry.alias_of and entry.alias_of not in _ENTRIES:
        raise ValueError(f"model {entry.name!r} is to stand for {entry.alias_of!r}, which is not registered")
    _ENTRIES[entry.name] = entry


def list_models() -> list[ModelEntry]:
    """Return every registered model, in the order of registration, without importing any."""
    _load_entry_points()
    return list(_ENTRIES.values())


def get_model(name: str) -> ModelEntry:
    """Return what is known of a model.

    Args:
        name: a registered name; the address of a class, `path/to/file.py:Class` or `package.module:Class`, which is
            imported; the recipe of a program, `path/to/recipe.toml`; or `separate:` and one of these, whose sounds
            are then given to SAM-Audio with the prompt.

    Raises:
        UnknownModel: the name is not registered (the message gives near ones), or there is no such file or class.
        ValueError: the file cannot be imported, the class is not a model, or it is that of several names; or the
            recipe cannot be used.
    """
    _load_entry_points()
    if name not in _ENTRIES:
        if name.startswith(SEPARATE):
            from baselines.programs.separating import separated

            return separated(name.removeprefix(SEPARATE))
        if name.endswith(".toml"):
            from baselines.recipes import own_recipe

            return own_recipe(name)
        if is_address(name):
            return _addressed(name)
        if Path(f"{name}.py").is_file():
            raise UnknownModel(f"unknown model {name!r}; for a class in {name}.py: {name}.py:CLASS")
        near = nearest(name, _ENTRIES)
        hint = f"did you mean {joined(near)}?" if near else f"there are: {', '.join(_ENTRIES)}"
        raise UnknownModel(f"unknown model {name!r}; {hint}")
    entry = _ENTRIES[name]
    return get_model(entry.alias_of) if entry.alias_of else entry


def _addressed(address: str) -> ModelEntry:
    """Return the facts of a class by its address.

    Raises:
        UnknownModel: there is none; says so where `separate:` may be meant.
        ValueError: see `_own_model`.
    """
    try:
        return _own_model(address)
    except UnknownModel:
        prefix, _, model = address.partition(":")
        if not nearest(prefix, [SEPARATE.removesuffix(":")]):
            raise
        meant = f"{SEPARATE}{model}" if model in _ENTRIES else f"{SEPARATE}MODEL, with a name of list-models"
        raise UnknownModel(f"unknown model {address!r}; did you mean {meant}?") from None


def _own_model(address: str) -> OwnModel:
    """Return the facts of a class by its address: those it is registered with, else its name alone."""
    found = find_class(address)
    model = found.model
    place = f"{model.__module__}:{model.__qualname__}"
    entries = [entry for entry in _ENTRIES.values() if entry.place == place and not entry.alias_of]
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise ValueError(f"{address}: the class of {len(entries)} registered models; name one of them: {names}")
    if entries:
        entry = entries[0]
    else:
        if model.__name__ in _ENTRIES:  # its row would pass for the other's
            raise ValueError(
                f"{address}: {model.__name__!r} is the name of a registered model; rename the class, "
                'or name it with @register_model("...")'
            )
        entry = ModelEntry(model.__name__, summary=(inspect.getdoc(model) or "").partition("\n")[0])
    facts = {fact.name: getattr(entry, fact.name) for fact in fields(entry)}
    return OwnModel(**{**facts, "target": model}, file=found.file, source_sha256=found.sha256)


def load_model(name: str, **options: Any) -> Generator:
    """Return a model, ready to generate.

    Args:
        name: a registered name, or the address of a class as in `get_model`.
        options: the model's own options, as keyword arguments of its class.

    Raises:
        UnknownModel: no such name, file or class.
        ValueError: an option that the model does not have, a required one that is not given, a class that is not a
            `Generator`, or that fails in its constructor.
        foundation.checkpoints.MissingCheckpoint: its weights are not there.

    Examples:
        The silent control needs no weights; controls are given the truth of the samples that they are asked for.

        >>> from baselines import Request, load_model
        >>> model = load_model("silence", references={}, sample_rate=8_000)
        >>> request = Request("bell__gong", "scene.mp4", "ringing bell", negative_prompt="", duration=0.5, seed=0)
        >>> model.generate(request).shape
        (4000,)
    """
    class_of(get_model(name))
    entry = get_model(name)  # again: a class of another package may say more of itself when it is imported
    arguments = {**entry.options, **options}
    check_options(entry, arguments)
    check_required(entry, arguments)
    with naming_file(entry.file if isinstance(entry, OwnModel) else None):
        model: Generator = class_of(entry)(**arguments)
        lacking = [part for part in ("sample_rate", "generate") if not hasattr(model, part)]
    if lacking:
        raise ValueError(f"model {name!r}: {entry.place!r} is not a generator; it has no `{lacking[0]}`")
    return model


def option_names(entry: ModelEntry) -> list[str]:
    """Return the names of a model's options; imports the model."""
    return list(options_of_class(class_of(entry)).names)


def check_options(entry: ModelEntry, given: Mapping[str, Any]) -> None:
    """Refuse an option that a model does not have; imports the model.

    Raises:
        ValueError: names the option, and those that there are.
    """
    allowed = options_of_class(class_of(entry))
    unknown = sorted(set(given) - set(allowed.names))
    if unknown and not allowed.takes_any:  # a class that takes any must check them itself
        there = ", ".join(allowed.names) or "none"
        raise ValueError(f"model {entry.name!r} has no option {unknown[0]!r}; it has: {there}")


def check_required(entry: ModelEntry, given: Container[str]) -> None:
    """Refuse to build a model without an option that it needs; imports the model.

    Args:
        entry: the model.
        given: names of the options that it gets, on top of those of its row.

    Raises:
        ValueError: names the first that is missing.
    """
    needed = options_of_class(class_of(entry)).required
    missing = [option for option in needed if option not in given and option not in entry.options]
    if missing:
        raise ValueError(f"model {entry.name!r} needs the option {missing[0]!r}")


def check_duration(entry: ModelEntry, seconds: float) -> None:
    """Refuse a length that a model says of itself it cannot make; imports the model, opens no weights.

    A class says so by the attributes `shortest_seconds` and `longest_seconds`.

    Raises:
        ValueError: names the model and its bound.
    """
    model = class_of(entry)
    shortest, longest = getattr(model, "shortest_seconds", 0.0), getattr(model, "longest_seconds", math.inf)
    if not shortest <= seconds <= longest:
        bound = f"at least {shortest:g}" if seconds < shortest else f"at most {longest:g}"
        raise ValueError(f"model {entry.name!r} makes {bound} s, {seconds:g} s asked for")


def program_of(entry: ModelEntry) -> Program | None:
    """Return the program that a model drives in a checkout, if it drives one; imports what describes it."""
    found: Program | None = load(entry.program) if isinstance(entry.program, str) and entry.program else None
    return found if isinstance(entry.program, str) else entry.program


def class_of(entry: ModelEntry) -> type:
    """Return a model's class; imports it."""
    found: type = load(entry.target) if isinstance(entry.target, str) else entry.target
    return found


def _load_entry_points() -> None:
    """Read models that installed packages offer under the group `vgg_monoaudio.models`; names only.

    Raises:
        ValueError: a package offers a model under a name that belongs to another class.
    """
    for point in _offered(entry_points, tuple(map(str, sys.path))):
        target, package = f"{point.module}:{point.attr}", point.dist.name if point.dist else "an unknown package"
        known = _ENTRIES.get(point.name)
        if known is None:
            register_model(point.name, target=target, summary=f"from {package}")
        elif known.place != target:
            raise ValueError(f"{package} offers a model {point.name!r}, a name that {known.target!r} has already")


@cache
def _offered(read: Callable[..., EntryPoints], _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of our group; every look through all installed packages takes 20 ms."""
    return tuple(read(group=ENTRY_POINT_GROUP))
