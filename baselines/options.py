"""A model's options: the keyword arguments of its constructor."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Unpack, get_args

from foundation.devices import Precision, chosen_device

DType = Literal["fp32", "bf16"]
SPELLINGS: Mapping[DType, Precision] = {"fp32": "exact", "bf16": "fast"}


@dataclass(frozen=True)
class Options:
    """What a constructor takes by keyword.

    Attributes:
        names: in the order of the signature, the fields of an unpacked TypedDict last.
        required: those of them without a default.
        takes_any: there is a `**options` that says nothing of its names.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    takes_any: bool


def options_of_class(model: type) -> Options:
    """Return the options of a class.

    `**program: Unpack[ProgramOptions]` stands for the fields of that TypedDict.
    """
    names, required, takes_any = [], [], False
    for parameter in inspect.signature(model).parameters.values():
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            names.append(parameter.name)
            if parameter.default is parameter.empty:
                required.append(parameter.name)
        elif parameter.kind is parameter.VAR_KEYWORD:
            group = _typed_dict(model, parameter.annotation)
            if group is None:
                takes_any = True
            else:
                names += group.__annotations__
                required += sorted(group.__required_keys__)
    return Options(tuple(names), tuple(required), takes_any)


def obstacles(model: type, given: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield what keeps a class from being built, each with what to do; it is not built.

    Args:
        model: the class.
        given: names of the options that it is to be built with.
    """
    if inspect.isabstract(model):
        lacking = ", ".join(sorted(getattr(model, "__abstractmethods__", ())))
        yield f"it is abstract: {lacking} not defined", "name a class that defines all of it"
    for parameter in inspect.signature(model).parameters.values():
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
            yield f"its constructor takes {parameter.name!r} by position alone", "let it be given by name, or a default"
    for option in options_of_class(model).required:
        if option not in given:
            yield f"it needs the option {option!r}", f"--option {option}=VALUE"


def _typed_dict(model: type, annotation: Any) -> Any:
    """Return the TypedDict that an annotation unpacks; None where it says something else."""
    if isinstance(annotation, str):
        if not annotation.startswith(("Unpack[", "typing.Unpack[")):
            return None
        names = getattr(model.__init__, "__globals__", {})  # type: ignore[misc]
        holder = type("holder", (), {"__annotations__": {"group": annotation}})
        try:
            annotation = typing.get_type_hints(holder, globalns=names)["group"]
        except NameError:  # a name that only type checkers see
            return None
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Unpack else None


def precision_of(options: Mapping[str, Any]) -> Precision:
    """Return how a native model with these options computes: as they say, else as its device suggests.

    Args:
        options: `precision`, `dtype` and `device` are looked at; each may be absent or None.

    Raises:
        ValueError: an unknown word, two that contradict each other, or a device that is not here.
    """
    precision, dtype = options.get("precision"), options.get("dtype")
    if precision not in (None, *get_args(Precision)):
        raise ValueError(f"precision: expected one of {', '.join(get_args(Precision))}, got {precision!r}")
    if dtype not in (None, *SPELLINGS):
        raise ValueError(f"dtype: expected one of {', '.join(SPELLINGS)}, got {dtype!r}")
    spelt: Precision | None = SPELLINGS[dtype] if dtype else None
    if precision and spelt and precision != spelt:
        raise ValueError(f"precision {precision} and dtype {dtype} contradict each other; give one of them")
    return precision or spelt or ("fast" if chosen_device(options.get("device")).type == "cuda" else "exact")
