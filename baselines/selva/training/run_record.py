"""`run.json` of a training run: what it was started with, in full, and how far it is."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from baselines.selva.training.recipe import Recipe
from foundation.files import fingerprint
from foundation.records import Record

StageName = Literal["encoder", "generator"]
STAGES: tuple[StageName, ...] = ("encoder", "generator")
SCHEMA_VERSION: Literal[1] = 1

PACKAGES = ("vgg-monoaudio", "torch", "torchvision", "accelerate", "ema-pytorch", "tensordict", "numpy")
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class CompleteRecord(Record):
    """A record that is written with every field, so its schema requires those with a default too."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class StartingWeights(CompleteRecord):
    """A file that the networks were filled from before the first step."""

    sha256: Sha256
    verified: bool = Field(default=False, description="its hash is the published one")
    path: str | None = Field(default=None, description="where it was; for people and for an export on this machine")


class StoreUsed(CompleteRecord):
    """The store of clips that the run reads."""

    fingerprint: str
    path: str | None = None
    clips: dict[str, int] = Field(default_factory=dict, description="how many, by split")


class Scoring(CompleteRecord):
    """How scores inside a run are measured; those of two such records do not compare."""

    benchmark: str = Field(description="its name")
    version: str
    fingerprint: Sha256 = Field(description="of the subset's manifest")
    subset: str
    samples: int = Field(ge=1, description="that are answered")
    of: int = Field(ge=1, description="samples of the subset")
    profile: str = Field(description="which backbones score")
    extended: bool = Field(default=False, description="the extended metrics too")
    seed: int = Field(description="of the noise that every validation starts from")
    others: dict[str, str] = Field(
        default_factory=dict, description="by name, what else moves scores, where it is not the usual"
    )

    @property
    def id(self) -> str:
        """What rows of a curve name it by; a field that is added with its default leaves it as it was."""
        return fingerprint(self.model_dump(mode="json", exclude_defaults=True))[:12]

    def line(self) -> str:
        """Return it as one line of text."""
        parts = [
            f"{self.benchmark} {self.version} ({self.fingerprint[:8]})",
            f"subset {self.subset}",
            f"all {self.of:,} samples" if self.samples == self.of else f"{self.samples:,} of {self.of:,} samples",
            f"profile {self.profile}{' with extended metrics' if self.extended else ''}",
            f"seed {self.seed}",
            *(f"{name.replace('_', ' ')} {value}".removesuffix(" True") for name, value in self.others.items()),
        ]
        return ", ".join(parts)


class Standing(CompleteRecord):
    """How far a stage is, as of its last whole checkpoint."""

    steps: int = Field(ge=1, description="of the recipe")
    step: int = Field(default=0, ge=0, description="steps done")
    finished: bool = False


class Attempt(CompleteRecord):
    """One process, or group of them, that worked at the run."""

    started: str = Field(description="UTC, ISO 8601")
    device: str
    processes: int = Field(default=1, ge=1)
    python: str
    platform: str
    packages: dict[str, str]

    @classmethod
    def of(cls, started: str, device: str, processes: int) -> Attempt:
        """Return this one, with the versions that its numbers may depend on."""
        return cls(
            started=started, device=device, processes=processes, python=platform.python_version(),
            platform=platform.platform(), packages=dict(sorted(_installed())),
        )  # fmt: skip


class Changed(CompleteRecord):
    """A value of the recipe that became another one before the run was gone on with."""

    time: str = Field(description="UTC, ISO 8601")
    key: str = Field(description="of the recipe, dotted")
    before: Any
    now: Any
    done: dict[StageName, int] = Field(description="steps of each stage that were done")

    def line(self) -> str:
        """Return it as a few words."""
        return (
            f"{self.key} {self.before} to {self.now} at {' + '.join(f'{step:,}' for step in self.done.values())} steps"
        )


class RunRecord(CompleteRecord):
    """`run.json`: one training run."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    kind: Literal["training of SELVA"] = "training of SELVA"
    recipe: Recipe
    recipe_fingerprint: Sha256 = Field(description="of everything in it that weights and measurements depend on")
    choices: dict[str, Any] = Field(description="what nothing published says: key of the recipe to the value taken")
    store: StoreUsed
    starting_weights: dict[str, StartingWeights] = Field(description="by part of the model")
    untrained: bool = Field(default=False, description="started from random weights: for tests of the machinery only")
    stages: dict[StageName, Standing]
    started: str = Field(description="UTC, ISO 8601")
    updated: str
    attempts: tuple[Attempt, ...]
    scorings: dict[str, Scoring] = Field(
        default_factory=dict, description="how the suite scored it on its way, by the id that rows of the curves give"
    )
    changes: tuple[Changed, ...] = Field(default=(), description="of the recipe; `recipe` has the values of now")


def _installed() -> list[tuple[str, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue  # it has no influence
    return found
