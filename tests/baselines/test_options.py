"""A model's options are the keyword arguments of its constructor, those of an unpacked TypedDict included."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

import pytest

from baselines import get_model, option_names
from baselines.options import Options, options_of_class
from baselines.programs.settings import ProgramOptions

if TYPE_CHECKING:
    from somewhere import OnlyForCheckers


class Place(TypedDict, total=False):
    folder: str
    device: str | None


class Strict(TypedDict):
    folder: str


class Plain:
    pass


class Positional:
    def __init__(self, steps, /, rate, *others, level=0.1): ...


class Grouped:
    def __init__(self, *, seed: int = 0, **place: Unpack[Place]): ...


class Needing:
    def __init__(self, **place: Unpack[Strict]): ...


class Anything:
    def __init__(self, seed=0, **options: object): ...


class Unseen:
    def __init__(self, **options: Unpack[OnlyForCheckers]): ...


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Plain, Options((), (), False)),
        (Positional, Options(("rate", "level"), ("rate",), False)),
        (Grouped, Options(("seed", "folder", "device"), (), False)),
        (Needing, Options(("folder",), ("folder",), False)),
        (Anything, Options(("seed",), (), True)),
        (Unseen, Options((), (), True)),
    ],
)
def test_options_are_what_the_constructor_takes_by_keyword(model, expected):
    assert options_of_class(model) == expected


def test_options_without_postponed_annotations_are_the_same():
    names: dict = {"Unpack": Unpack, "Place": Place}
    exec("class Grouped:\n    def __init__(self, **place: Unpack[Place]): ...", names)
    assert options_of_class(names["Grouped"]).names == ("folder", "device")


@pytest.mark.parametrize("name", ["rewas", "vintage", "external", "vos-mmaudio"])
def test_every_adapter_of_a_program_takes_the_program_s_options(name):
    assert option_names(get_model(name))[-8:] == list(ProgramOptions.__annotations__)
