"""A recipe: every constant of a training run, read from a TOML file.

Source:
    SELVA (arXiv:2512.02650, appendix A.3, D.1, D.3) where the paper says it; constants of jnwnlee/selva @ 70a8589 and
    of hkchengrex/MMAudio @ 974010a where it does not. `OPEN` lists what none of them settles.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from baselines.mmaudio.transformer import VARIANTS
from foundation.files import fingerprint
from foundation.records import Record, what_is_wrong

RECIPES = Path(__file__).parent / "recipes"

# What neither paper nor code settles: a choice of this project, named in every record of a training run.
OPEN: Mapping[str, str] = {
    "encoder.loss": "the form of the distance between student and teacher",
    "encoder.text_dropout": "whether the first stage ever drops its text",
    "encoder.mixing.ratio": "the distribution of lambda",
    "encoder.mixing.share": "the share of mixed clips",
    "encoder.mixing.side": "the side on which the target stands",
    "encoder.after_warmup": "the schedule after the warm-up",
    "generator.mixing.ratio": "the distribution of lambda",
    "generator.mixing.share": "the share of mixed clips",
    "generator.mixing.side": "the side on which the target stands",
    "generator.video_dropout": "whether both dropouts of conditions are kept",
    "generator.text_dropout": "whether both dropouts of conditions are kept",
    "generator.after_warmup": "the schedule after the warm-up",
    "generator.target": "the flow loss on the velocity or on x_1",
    "generator.text_mask": "whether the second stage saw a float text mask or the bool mask of inference",
    "captions": "whether captions took the place of class labels",
    "averages.export_width": "which EMA width the published files have",
}

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Mixing(Record):
    """How two clips of a batch become one picture.

    Attributes:
        side: where a clip's own part stands: always left, or left or right at random.
        share: how much of a batch is mixed; the rest stays as it is.
        ratio: the own part's share of the width; None draws one a batch from Beta(alpha, alpha), at least 0.05.
        alpha: of that distribution.
    """

    side: Literal["left", "random"] = "left"
    share: Share = 1.0
    ratio: Annotated[float, Field(ge=0.05, le=0.95)] | None = 0.5
    alpha: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.ratio is None) == (self.alpha is None):
            raise ValueError("expected a ratio or an alpha, one of the two")
        return self


class Stage(Record):
    """What both stages have in common.

    Attributes:
        steps: of the optimiser.
        batch: clips a step, over all processes; even, because clips are mixed in pairs.
        learning_rate: after the warm-up.
        warmup: steps over which it rises linearly.
        after_warmup: what it does then.
        betas, epsilon, weight_decay: of AdamW.
        clip: largest norm of the gradient.
        mixing: of its clips.
    """

    steps: Positive
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    learning_rate: Annotated[float, Field(gt=0)]
    warmup: Annotated[int, Field(ge=0)] = 1000
    after_warmup: Literal["constant"] = "constant"
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-6
    weight_decay: float = 1e-6
    clip: Annotated[float, Field(gt=0)] = 1.0
    mixing: Mixing = Mixing()


class EncoderStage(Stage):
    """The first stage: the text-conditioned video encoder learns from Synchformer.

    Attributes:
        sup_tokens: supplementary tokens in front of the text.
        loss: distance of the student's features to the teacher's.
        text_dropout: probability that a sample's text is replaced by the empty one.
    """

    sup_tokens: Annotated[int, Field(ge=0)] = 5
    loss: Literal["mean squared error"] = "mean squared error"
    text_dropout: Share = 0.0


class GeneratorStage(Stage):
    """The second stage: the generator learns to follow the first stage's features.

    Attributes:
        variant: of the generator, which starts as MMAudio's of that name.
        target: what the loss compares.
        video_dropout, text_dropout: probability that a sample's features are replaced by the null ones.
        text_mask: of the texts that the first stage's encoder sees.
    """

    variant: str = "small_16k"
    target: Literal["velocity"] = "velocity"
    video_dropout: Share = 0.1
    text_dropout: Share = 0.1
    text_mask: Literal["bool"] = "bool"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {self.variant!r}")
        return self


class Averages(Record):
    """Post-hoc EMA.

    Attributes:
        widths: relative widths that are kept while training, at least two.
        every: steps between snapshots.
        export_width: the width that files are made with unless another is asked for.
    """

    widths: Annotated[tuple[float, ...], Field(min_length=2)] = (0.05, 0.1)
    every: Positive = 5000
    export_width: Annotated[float, Field(gt=0, lt=0.28)] = 0.05


class Recipe(Record):
    """Every constant of a training run.

    Attributes:
        name: what it is called.
        rows: rows of the paper's tables that it is for.
        summary: one line.
        seed: the only source of randomness.
        seconds: of every clip.
        captions: what the texts are.
        precision: of the networks: bf16 is automatic mixed precision.
        checkpoint_every, validate_every: steps.
        validation_clips: how many held-out clips the validation loss is of, at most.
        encoder, generator: the stages.
        averages: of the weights.
    """

    name: str
    rows: tuple[str, ...] = ()
    summary: str = ""
    seed: Annotated[int, Field(ge=0)] = 14159265
    seconds: Annotated[float, Field(ge=0.64)] = 8.0
    captions: Literal["class label"] = "class label"
    precision: Literal["bf16", "fp32"] = "bf16"
    checkpoint_every: Positive = 1000
    validate_every: Positive = 1000
    validation_clips: Annotated[int, Field(ge=2)] = 256
    encoder: EncoderStage
    generator: GeneratorStage
    averages: Averages = Averages()

    @property
    def fingerprint(self) -> str:
        """A hash of everything that the result depends on: a run goes on under the same one only."""
        said = self.model_dump(mode="json")
        free = ("rows", "summary", "checkpoint_every")  # of these the weights do not depend
        return fingerprint({key: value for key, value in said.items() if key not in free})

    def choices(self) -> dict[str, Any]:
        """Return the value of every key of `OPEN`: what this project chose because nothing published says it."""
        said = self.model_dump(mode="json")
        return {key: _looked_up(said, key) for key in OPEN}


def _looked_up(content: Mapping[str, Any], key: str) -> Any:
    value: Any = content
    for part in key.split("."):
        value = value[part]
    return value


def recipe_names() -> list[str]:
    """Return the recipes that come with the suite."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or from a TOML file.

    Raises:
        ValueError: there is none of that name, the file cannot be read, or a key is unknown or out of range.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise ValueError(f"recipe: no such file: {name}")
        raise ValueError(f"recipe: expected a .toml file or one of {', '.join(recipe_names())}, got {name!r}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"recipe {path}: not a TOML file: {error}") from error
    try:
        return Recipe(**{"name": path.stem, **content})
    except ValidationError as error:
        raise ValueError(f"recipe {path}: {what_is_wrong(error)}") from error
