"""The models of the recipes that come with the suite, by the recipe's name: read when they are first asked for."""

from __future__ import annotations

from functools import cache

from baselines.programs.by_recipe import ProgramByRecipe, model_of
from baselines.programs.recipe import read_recipe
from baselines.recipes import RECIPES


def __getattr__(name: str) -> type[ProgramByRecipe]:
    if not (RECIPES / f"{name}.toml").is_file():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _model(name)


@cache
def _model(name: str) -> type[ProgramByRecipe]:
    """Return a recipe's class, one and the same each time."""
    return model_of(read_recipe(RECIPES / f"{name}.toml"))
