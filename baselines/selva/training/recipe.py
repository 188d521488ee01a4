"""A recipe: every constant of a training run, read from a TOML file.

Source:
    SELVA (arXiv:2512.02650, appendix A.3, D.1, D.3) where the paper says it; constants of jnwnlee/selva @ 70a8589 and
    of hkchengrex/MMAudio @ 974010a where it does not. `OPEN` lists what none of them settles.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from foundation.files import fingerprint
from foundation.names import joined, nearest
from foundation.records import Record, what_is_wrong

RECIPES = Path(__file__).parent / "recipes"
DEFAULT = "sup-5"

# What neither paper nor code settles: a choice of this project, named in every record of a training run.
OPEN: Mapping[str, str] = {
    "encoder.loss": "the form of the distance between student and teacher",
    "encoder.text_dropout": "whether the first stage ever drops its text",
    "encoder.after_warmup": "the schedule after the warm-up",
    "encoder.mixing.ratio": "the distribution of lambda",
    "encoder.mixing.share": "the share of mixed clips",
    "encoder.mixing.side": "the side on which the target stands",
    "encoder.mixing.normalised": "whether mixed frames were normalised once or twice",
    "generator.target": "whether the flow loss was on the velocity or on x_1",
    "generator.video_dropout": "whether both dropouts of conditions are kept",
    "generator.text_dropout": "whether both dropouts of conditions are kept",
    "generator.text_mask": "whether the second stage saw a float text mask or the bool mask of inference",
    "generator.after_warmup": "the schedule after the warm-up",
    "generator.mixing.ratio": "the distribution of lambda",
    "generator.mixing.share": "the share of mixed clips",
    "generator.mixing.side": "the side on which the target stands",
    "generator.mixing.normalised": "whether mixed frames were normalised once or twice",
    "captions": "whether captions took the place of class labels",
    "sup_training": "how other counts of [SUP] tokens than 5 were trained",
    "averages.export_width": "which EMA width the published files have",
    "averages.export_step": "how the checkpoint was chosen",
}

# Of these the weights do not depend: a run goes on when they change.
FREE = ("name", "rows", "summary", "checkpoint_every")


def _even(batch: int) -> int:
    if batch % 2:
        raise ValueError(f"expected an even number, because clips are mixed in pairs, got {batch}")
    return batch


# The networks' own table needs torch, which whoever lists recipes can do without.
PUBLISHED_VARIANTS = ("small_16k", "small_44k", "medium_44k", "large_44k", "large_44k_v2")


def check_variant(name: str) -> str:
    """Return the name of a generator's size.

    Raises:
        ValueError: there is no such size.
    """
    if name not in PUBLISHED_VARIANTS:
        from baselines.mmaudio.transformer import VARIANTS

        if name not in VARIANTS:
            raise ValueError(f"expected one of {', '.join(VARIANTS)}, got {name!r}")
    return name


# Numbers are strict: a text or true in place of one is a slip.
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
Momentum = Annotated[float, Field(ge=0, lt=1, strict=True)]
Whole = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[int, Field(ge=1, strict=True)]
Rate = Annotated[float, Field(gt=0, lt=1, strict=True)]
EvenBatch = Annotated[int, Field(ge=2, strict=True), AfterValidator(_even)]
Variant = Annotated[str, AfterValidator(check_variant)]
WIDEST = 0.28  # beyond it old weights would count more than new ones: at 0.289, the root of 1/12, gamma is 0
Width = Annotated[float, Field(gt=0, lt=WIDEST, strict=True)]


AfterWarmup = Literal["constant", "falls at 80% and 90%"]
EncoderLoss = Literal["mean squared error", "mean absolute error"]
FlowTarget = Literal["velocity", "x1"]
Normalised = Literal["once", "twice"]


def falls(steps: int) -> tuple[int, int]:
    """Return after how many steps behind the warm-up the rate falls, of a stage of so many steps."""
    return steps * 8 // 10, steps * 9 // 10


class Mixing(Record):
    """How two clips of a batch become one picture.

    Attributes:
        side: where a clip's own part stands: always left, or left or right at random.
        share: how much of a batch is mixed; the rest stays as it is.
        ratio: the own part's share of the width, 0.5 unless there is an alpha; None draws one a batch from
            Beta(alpha, alpha), at least 0.05.
        alpha: of that distribution.
        normalised: how often mixed frames are brought from [0, 1] to [-1, 1]; "twice" is what the released code does.
    """

    side: Literal["left", "random"] = "left"
    share: Share = 1.0
    ratio: Annotated[float, Field(ge=0.05, le=0.95, strict=True)] | None = None
    alpha: Annotated[float, Field(gt=0, le=1000, strict=True)] | None = None
    normalised: Normalised = "once"

    @model_validator(mode="before")
    @classmethod
    def _half_by_default(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("alpha") is None and "ratio" not in content:
            return {**content, "ratio": 0.5}
        return content

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.ratio is None) == (self.alpha is None):
            raise ValueError("expected ratio, which is fixed, or alpha, with which it is drawn: one of the two")
        return self


class Stage(Record):
    """What both stages have in common.

    Attributes:
        steps: of the optimiser.
        batch: clips a step, over all processes; even, because clips are mixed in pairs.
        learning_rate: after the warm-up.
        warmup: steps over which it rises linearly.
        after_warmup: what it does then: it stays, or falls to a tenth and a hundredth, as MMAudio's.
        optimiser: which.
        betas, epsilon, weight_decay: of it.
        clip: largest norm of the gradient.
        mixing: of its clips.
    """

    steps: Positive
    batch: EvenBatch
    learning_rate: Rate
    warmup: Whole = 1000
    after_warmup: AfterWarmup = "constant"
    optimiser: Literal["AdamW"] = "AdamW"
    betas: tuple[Momentum, Momentum] = (0.9, 0.95)
    epsilon: Rate = 1e-6
    weight_decay: Share = 1e-6
    clip: Annotated[float, Field(gt=0, strict=True)] = 1.0
    mixing: Mixing = Mixing()

    @model_validator(mode="after")
    def _falls_before_the_end(self) -> Self:
        last = self.warmup + falls(self.steps)[1]
        if self.after_warmup != "constant" and last >= self.steps:
            raise ValueError(
                f"after_warmup: {self.after_warmup!r} is counted from the end of the warm-up, so the rate would fall "
                f"at step {last} of {self.steps}; expected a warmup below a tenth of steps, got {self.warmup}"
            )
        return self


class EncoderStage(Stage):
    """The first stage: the text-conditioned video encoder learns from Synchformer.

    Attributes:
        starts_from: Synchformer's video branch; the parts that are new begin as the paper's code does.
        sup_tokens: supplementary tokens in front of the text.
        loss: distance of the student's features to the teacher's.
        text_dropout: probability that a sample's text is replaced by the empty one.
    """

    starts_from: Literal["Synchformer 24-01-04T16-39-21"] = "Synchformer 24-01-04T16-39-21"
    sup_tokens: Annotated[int, Field(ge=0, le=512, strict=True)] = 5
    loss: EncoderLoss = "mean squared error"
    text_dropout: Share = 0.0


class GeneratorStage(Stage):
    """The second stage: the generator learns to follow the first stage's features.

    Attributes:
        starts_from: MMAudio's generator of the variant.
        variant: of the generator.
        time: how the time of the flow is drawn.
        target: what the loss compares: the velocity, or the sound x_1 that it leads to.
        video_dropout, text_dropout: probability that a sample's features are replaced by the null ones.
        text_mask: of the texts that the first stage's encoder sees.
    """

    starts_from: Literal["MMAudio"] = "MMAudio"
    variant: Variant = "small_16k"
    time: Literal["sigmoid of a normal number"] = "sigmoid of a normal number"
    target: FlowTarget = "velocity"
    video_dropout: Share = 0.1
    text_dropout: Share = 0.1
    text_mask: Literal["bool"] = "bool"


class Averages(Record):
    """Post-hoc EMA.

    Attributes:
        widths: relative widths that are kept while training, at least two.
        every: steps between snapshots.
        export_width: the width that files are made with unless another is asked for.
        export_step: the step that files are made of unless another is asked for.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=2)] = (0.05, 0.1)
    every: Positive = 5000
    export_width: Width = 0.05
    export_step: Literal["last"] = "last"

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len(set(self.widths)) < len(self.widths):
            raise ValueError(f"widths: expected different ones, got {list(self.widths)}")
        return self


class Recipe(Record):
    """Every constant of a training run.

    Attributes:
        name: what it is called.
        rows: rows of the paper's tables that it is for.
        summary: one line.
        seed: the only source of randomness.
        seconds: of every clip.
        captions: what the labels of the list of clips are: VGGSound's classes, or texts of any kind.
        sup_training: what is trained anew for each count of [SUP] tokens.
        precision: of the networks: bf16 is automatic mixed precision.
        checkpoint_every, validate_every: steps.
        validation_clips: how many held-out clips the validation loss is of, at most.
        encoder, generator: the stages.
        averages: of the weights.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    rows: tuple[str, ...] = ()
    summary: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 14159265
    seconds: Annotated[float, Field(ge=0.64, le=60, strict=True)] = 8.0
    captions: Literal["class label", "text of the list"] = "class label"
    sup_training: Literal["both stages"] = "both stages"
    precision: Literal["bf16", "fp32"] = "bf16"
    checkpoint_every: Positive = 1000
    validate_every: Positive = 1000
    validation_clips: Annotated[int, Field(ge=2, strict=True)] = 256
    encoder: EncoderStage
    generator: GeneratorStage
    averages: Averages = Averages()

    def stage(self, name: Literal["encoder", "generator"]) -> Stage:
        """Return what a stage has in common with the other one."""
        return self.encoder if name == "encoder" else self.generator

    @property
    def fingerprint(self) -> str:
        """A hash of everything that weights and measurements depend on."""
        return fingerprint({key: value for key, value in flat(self).items() if key not in FREE})

    def choices(self) -> dict[str, Any]:
        """Return the value of every key of `OPEN`: what this project chose because nothing published says it."""
        values = flat(self)
        for stage in ("encoder", "generator"):
            if values[f"{stage}.mixing.ratio"] is None:
                alpha = values[f"{stage}.mixing.alpha"]
                values[f"{stage}.mixing.ratio"] = f"one a batch from Beta({alpha:g}, {alpha:g}), at least 0.05"
        return {key: values[key] for key in OPEN}


def flat(recipe: Recipe) -> dict[str, Any]:
    """Return the values of a recipe by dotted key, as JSON holds them."""
    return dict(_walked(recipe.model_dump(mode="json")))


def recipe_names() -> list[str]:
    """Return the recipes that come with the suite."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or from a TOML file.

    Raises:
        ValueError: there is none of that name, the file cannot be read, or a key is unknown, missing or out of range;
            names file and key.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise ValueError(f"recipe: no such file: {name}")
        near = joined(nearest(name, recipe_names(), most=1))
        meant = f"; did you mean {near}?" if near else ""
        raise ValueError(f"recipe: expected a .toml file or one of {', '.join(recipe_names())}, got {name!r}{meant}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"recipe {path}: not a TOML file: {error}") from error
    _check_keys(path, content)
    try:
        # By way of JSON: it has TOML's types but for dates, which no key takes, and a list stands for a tuple there.
        return Recipe.model_validate_json(json.dumps({"name": path.stem, **content}, default=str))
    except ValidationError as error:
        raise ValueError(f"recipe {path}: {what_is_wrong(error)}") from error


def _check_keys(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse the first key that is unknown, and name a near one: a value that is never read is worse than a wrong one.

    Raises:
        ValueError: names file and dotted key.
    """
    known = dict(_fields(Recipe))
    for key, value in _walked(content):
        if key in known and (not known[key] or isinstance(value, Mapping)):
            continue
        if known.get(key):
            raise ValueError(f"recipe {path}: {key}: expected a table, [{key}], got {value!r}")
        elsewhere = [other for other in known if other.rpartition(".")[2] == key.rpartition(".")[2]]
        near = joined(elsewhere or nearest(key, known, most=1))
        raise ValueError(f"recipe {path}: there is no key {key}" + (f"; did you mean {near}?" if near else ""))


def _fields(kind: type[BaseModel], above: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the dotted keys of a table and whether each is a table itself."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        is_table = isinstance(inner, type) and issubclass(inner, BaseModel)
        yield f"{above}{name}", is_table
        if is_table:
            yield from _fields(inner, f"{above}{name}.")  # type: ignore[arg-type]


def _walked(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables by dotted key; an empty table is a value."""
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _walked(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
