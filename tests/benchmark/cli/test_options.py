"""Options: each is written once, words come from the choices' Literals, groups of options spread over a verb."""

import inspect
from dataclasses import dataclass, fields
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from benchmark import generate
from benchmark.choices import Choices
from benchmark.cli.options import ModelOptions, RunOptions, ScoreOptions, one_of, spread

Depth = Literal["shallow", "deep"]
Strength = Annotated[int, typer.Option("--strength")]


@dataclass(frozen=True)
class Colour:
    hue: Annotated[str, typer.Option(help="Of it.")] = "red"
    strength: Strength = 3


@dataclass(frozen=True)
class Shape:
    corners: Annotated[int, typer.Option()] = 4
    strength: Strength = 3


@dataclass(frozen=True)
class Other:
    strength: Strength = 5


@pytest.fixture
def call():
    """Run a verb with a command line; return what it was called with, or the result where it was not called."""

    def run(verb, *words):
        app = typer.Typer()
        app.command()(verb)
        return CliRunner().invoke(app, list(words))

    return run


@pytest.fixture
def paint():
    taken = []

    @spread
    def paint(
        name: Annotated[str, typer.Argument()],
        *,
        colour: Colour,
        shape: Shape,
        twice: Annotated[bool, typer.Option()] = False,
    ) -> None:
        """Paint."""
        taken.append((name, colour, shape, twice))

    paint.taken = taken
    return paint


def test_a_group_is_filled_from_one_option_per_field(call, paint):
    assert call(paint, "box", "--hue", "blue", "--corners", "5", "--twice").exit_code == 0
    assert paint.taken == [("box", Colour(hue="blue"), Shape(corners=5), True)]


def test_what_is_not_given_has_the_default_of_its_field(call, paint):
    assert call(paint, "box").exit_code == 0
    assert paint.taken == [("box", Colour(), Shape(), False)]


def test_an_option_of_two_groups_is_one_option_and_both_get_its_value(call, paint):
    assert [*inspect.signature(paint).parameters] == ["name", "hue", "strength", "corners", "twice"]
    assert call(paint, "box", "--strength", "9").exit_code == 0
    assert paint.taken == [("box", Colour(strength=9), Shape(strength=9), False)]


def test_groups_that_mean_different_things_by_one_name_are_refused():
    def verb(colour: Colour, other: Other) -> None: ...

    with pytest.raises(TypeError, match="verb: two groups of options mean different things by 'strength'"):
        spread(verb)


def test_a_spread_verb_keeps_its_name_and_its_help(call, paint):
    assert (paint.__name__, paint.__doc__) == ("paint", "Paint.")
    assert "Of it." in call(paint, "--help").output


@pytest.fixture
def dive():
    taken = []

    def dive(depth: Annotated[str | None, one_of(Depth, "How far.")] = None) -> None:
        taken.append(depth)

    dive.taken = taken
    return dive


@pytest.mark.parametrize("word", get_args(Depth))
def test_an_option_takes_the_words_of_its_literal(call, dive, word):
    assert call(dive, "--depth", word).exit_code == 0
    assert dive.taken == [word]


def test_an_option_without_a_word_keeps_its_default(call, dive):
    assert call(dive).exit_code == 0
    assert dive.taken == [None]


def test_another_word_is_refused_before_the_verb_begins(call, dive):
    result = call(dive, "--depth", "abyssal")
    assert isinstance(result.exception, ValueError)
    assert str(result.exception) == "--depth: expected shallow or deep, got 'abyssal'"
    assert dive.taken == []


def test_the_help_shows_the_words(call, dive):
    assert "shallow|deep" in call(dive, "--help").output


def test_the_words_of_a_module_that_is_too_heavy_are_read_on_use(call):
    def verb(way: Annotated[str, one_of("benchmark.choices:ResampleBy", "What.", "a|b")] = "source") -> None: ...

    assert call(verb, "--way", "sample").exit_code == 0
    assert str(call(verb, "--way", "clip").exception) == "--way: expected source or sample, got 'clip'"


def test_every_choice_but_the_seed_is_an_option_with_the_same_default():
    """The bootstrap's seed is for Python: on the command line `--seed` is the models'."""
    choices = {field.name: field.default for field in fields(Choices) if field.name not in ("seed", "profile")}
    options = {field.name: field.default for field in fields(ScoreOptions)}
    assert {name: options[name] for name in choices} == choices | {"metrics": None}  # none named
    assert options["profile"] is None  # signal for the demo, else paper
    hints = get_type_hints(ScoreOptions, include_extras=True)
    for name, hint in get_type_hints(Choices).items():
        if get_origin(hint) is Literal:
            assert hints[name].__metadata__[0].metavar == "|".join(get_args(hint)), name


def test_the_options_of_a_run_are_arguments_of_generate_with_the_same_defaults():
    arguments = inspect.signature(generate).parameters
    for field in fields(RunOptions):
        assert arguments[field.name].default == field.default, field.name


def test_the_options_of_a_model_are_off_by_default():
    assert not any(getattr(ModelOptions(), field.name) for field in fields(ModelOptions))
