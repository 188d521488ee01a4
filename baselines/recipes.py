"""Recipes of official programs as TOML: which there are, what one says that extends another, and its row."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.generator import UnknownModel
from baselines.registry import ModelEntry, OwnModel, list_models, register_model
from foundation.names import nearest

if TYPE_CHECKING:
    from baselines.programs.by_recipe import ProgramByRecipe

RECIPES = Path(__file__).parent / "programs" / "recipes"
MOST_BYTES = 1 << 20  # of a recipe; those that come with the suite have less than 4 KB
_HOME = "baselines.programs.built_in"
_FACTS = ("licence", "code_licence", "summary")


@dataclass(frozen=True)
class RecipeFile:
    """A recipe as its file says it, and those that it extends; nothing of it is checked yet.

    Attributes:
        path: of the file.
        content: its keys on top of those of the recipe that it extends, tables key by key, without `extends`.
        sha256: of the bytes of all these files, its own first.
    """

    path: Path
    content: Mapping[str, Any]
    sha256: str


def built_in() -> list[str]:
    """Return the names of the recipes that come with the suite, templates among them."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_file(path: Path) -> RecipeFile:
    """Return what a file and those that it extends say.

    `extends` names a recipe that comes with the suite, or a `.toml` file next to the one that names it.

    Raises:
        ValueError: a file that is absent, too large or not TOML, or recipes that extend one another in a ring.
    """
    chain = [path.absolute()]
    contents: list[dict[str, Any]] = []
    digest = hashlib.sha256()
    while True:
        data = _bytes(chain[-1])
        digest.update(data)
        content = _parsed(chain[-1], data)
        contents.append(content)
        base = content.pop("extends", None)
        if base is None:
            break
        following = _extended(chain[-1], base)
        if following in chain:
            raise ValueError(f"{chain[-1]}: extends: {base!r} extends this one in turn; leave one of them out")
        chain.append(following)
    merged: dict[str, Any] = {}
    for content in reversed(contents):
        merged = _on_top(merged, content)
        if content is not contents[0]:
            merged.pop("template", None)  # of the recipe that says so alone
    return RecipeFile(chain[0], merged, digest.hexdigest())


def register_built_in() -> None:
    """Register every recipe that comes with the suite and is a model, from what its file says of itself."""
    for name in built_in():
        content = read_file(RECIPES / f"{name}.toml").content
        if content.get("template") or content.get("role", "model") != "model":
            continue
        register_model(
            name,
            target=f"{_HOME}:{name}",
            program=f"{_HOME}:{name}.program",
            checkpoints=tuple(file["checkpoint"] for file in content.get("files", ()) if file.get("checkpoint")),
            trained_on=tuple(content.get("trained_on", ())),
            source=content["repository"],
            revision=content["commit"],
            **{fact: content[fact] for fact in _FACTS},
        )


def own_recipe(name: str) -> OwnModel:
    """Return the row of a recipe of the user's own, by the path of its file.

    Raises:
        UnknownModel: no such file.
        ValueError: the recipe cannot be used; names file, key, value and what was expected.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        near = nearest(path.stem, built_in(), most=1)
        raise UnknownModel(f"{name}: no such recipe" + (f"; did you mean --model {near[0]}?" if near else ""))
    model = _own_class(path.absolute(), read_file(path).sha256)
    recipe = model.recipe
    if recipe.role != "model":
        raise ValueError(f"{path}: role: a {recipe.role} answers no video; give a recipe of a model, or separate:MODEL")
    if recipe.name in {entry.name for entry in list_models()}:
        raise ValueError(f"{path}: name: {recipe.name!r} is a registered model, its row would pass for the other's")
    facts = ModelEntry(
        recipe.name, target=model, program=model.program, licence=recipe.licence, code_licence=recipe.code_licence,
        trained_on=recipe.trained_on, source=recipe.repository, revision=recipe.commit, summary=recipe.summary,
        checkpoints=tuple(file.checkpoint for file in recipe.files if file.checkpoint),
    )  # fmt: skip
    return OwnModel(**vars(facts), file=path.absolute(), source_sha256=recipe.sha256)


@cache
def _own_class(path: Path, _sha256: str) -> type[ProgramByRecipe]:
    """Return the class of a recipe, one and the same as long as its files are."""
    from baselines.programs.by_recipe import model_of
    from baselines.programs.recipe import read_recipe

    return model_of(read_recipe(path))


def _extended(path: Path, base: object) -> Path:
    if isinstance(base, str) and base.endswith(".toml"):
        return (path.parent / base).absolute()
    if not isinstance(base, str) or base not in built_in():
        raise ValueError(f"{path}: extends: expected a .toml file or one of {', '.join(built_in())}, got {base!r}")
    return RECIPES / f"{base}.toml"


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read as a recipe: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path}: more than {MOST_BYTES:,} bytes, which no recipe has")
    return data


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # an editor may write a mark in front
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from error


def _on_top(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both: a table's keys are joined, any other value of `above` stands in place of the one below."""
    joined = dict(below)
    for key, value in above.items():
        under = joined.get(key)
        joined[key] = _on_top(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return joined
