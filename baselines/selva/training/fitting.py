"""Which recipe a store of clips is for, and what to change in it for clips of another length or number."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from baselines.selva.training.recipe import RECIPES, read_recipe
from baselines.selva.training.store_record import StoreRecord


@dataclass(frozen=True)
class Fitting:
    """A recipe for a store.

    Attributes:
        recipe: the one that comes with the suite and is nearest.
        changes: what a copy of it has to say instead, by dotted key; none where it fits as it is.
    """

    recipe: str
    changes: dict[str, float]

    @property
    def path(self) -> Path:
        """The file to copy."""
        return RECIPES / f"{self.recipe}.toml"

    def usage(self, store: Path) -> str:
        """Return how a store is trained on: the command, and what has to be set first."""
        command = f"python -m benchmark train run --store {shlex.quote(str(store))}"
        if not self.changes:
            return f"{command} --recipe {self.recipe}"
        told = ", ".join(f"{key} = {value}" for key, value in self.changes.items())
        return f"copy {self.path} to own.toml, set {told} there, then {command} --recipe own.toml"


def fitting(record: StoreRecord) -> Fitting:
    """Return the recipe to train a finished store by: of the paper's model, or the smallest one at the store's rate."""
    name = "sup-5" if "16k" in record.rates else "s-44k"
    recipe, changes = read_recipe(name), dict[str, float]()
    if recipe.seconds != record.seconds:
        changes["seconds"] = record.seconds
    clips = record.counts.train if record.counts else 0
    for stage in ("encoder", "generator"):
        if recipe.stage(stage).batch > clips:
            changes[f"{stage}.batch"] = clips // 2 * 2  # clips are mixed in pairs
    return Fitting(name, changes)
