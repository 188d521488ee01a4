"""`train prepare`, `run`, `status`, `plot`, `export`, `recipes`: SELVA, from a folder of clips to two files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.choices import ProfileName
from benchmark.cli.options import (
    CheckpointOption,
    DeviceOption,
    JsonOption,
    RandomOption,
    WeightsDirOption,
    one_of,
    spread,
)
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table
from benchmark.exits import SOME_FAILED, tell
from benchmark.help_pages import Group
from benchmark.places import DEFAULT_TRAINING, DEMO
from benchmark.report.options import UnverifiedOption

if TYPE_CHECKING:
    from baselines.mmaudio.native import NativeOptions
    from baselines.selva.training.candidates import Validate
    from baselines.selva.training.preparing import Prepared
    from baselines.selva.training.recipe import Recipe
    from vgg_monoaudio.dataset import Benchmark

app = typer.Typer(
    name="train", cls=Group, help="Train SELVA, from clips to the two files of a model.", no_args_is_help=True
)

SHOWN_SKIPPED = 10
STARTING_PARTS = ("synchformer", "generator")  # what a run starts from; the model's other parts are a validation's

RunArgument = Annotated[Path, typer.Argument(help="Folder of the training run.", metavar="RUN")]


def _width(value: float | None) -> float | None:
    """Return a width of averages.

    Raises:
        ValueError: it is out of range.
    """
    from baselines.selva.training.recipe import WIDEST

    if value is not None and not 0 < value < WIDEST:
        raise ValueError(f"--sigma: expected more than 0 and less than {WIDEST}, got {value:g}")
    return value


@dataclass(frozen=True)
class Weights:
    """Where networks run, and where the weights come from that they have before the first step."""

    checkpoint: CheckpointOption = None
    weights_dir: WeightsDirOption = None
    allow_unverified: UnverifiedOption = False
    random_weights: RandomOption = False
    device: DeviceOption = None

    def options(self) -> NativeOptions:
        """Return those that were given, as native models take them."""
        from benchmark.cli.asking import model_options

        found: Any = model_options(
            None, checkpoint=self.checkpoint, weights_dir=self.weights_dir, allow_unverified=self.allow_unverified,
            random_weights=self.random_weights, device=self.device,
        )  # fmt: skip
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Validating:
    """How a run is scored by the suite on its way."""

    validate_on: Annotated[
        Path | None, typer.Option(help=f"Benchmark that the model is scored on while it is trained, such as {DEMO}.")
    ] = None
    validate_every: Annotated[int, typer.Option(min=1, help="Steps of a stage between two such validations.")] = 20_000
    validate_subset: Annotated[
        str | None,
        one_of("vgg_monoaudio.dataset:Subset", "Subset of that benchmark. Default: its first.", "inter|intra|single"),
    ] = None
    profile: Annotated[str, one_of(ProfileName, "Which backbones score a validation.")] = "signal"
    limit: Annotated[
        int | None, typer.Option(min=1, help="Samples that a validation answers. Default: all of the subset.")
    ] = None
    keep_audio: Annotated[bool, typer.Option("--keep-audio", help="Keep the sounds that a validation generated.")] = (
        False
    )


@app.command("prepare")
@spread
def prepare(
    *,
    clips: Annotated[Path, typer.Option(help="Folder of the clips, <id>.mp4, at any depth.")],
    lists: Annotated[
        list[Path],
        typer.Option("--list", help="CSV or TSV of id and label, or VGGSound's own list; may be given several times."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the store.")],
    validation_list: Annotated[
        Path | None, typer.Option(help="List of the held-out clips. Default: what --list says, else a share.")
    ] = None,
    validation_share: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of the clips that is held out, where no list says which.")
    ] = 0.02,
    rate: Annotated[
        list[str] | None,
        one_of(
            "baselines.selva.training.store_record:Rate",
            "Sample rate of the generators to train; may be given twice. Default: 16k.",
            "16k|44k",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.64, help="Length of every clip, as in the recipe.")] = 8.0,
    lossless: Annotated[bool, typer.Option("--lossless", help="Keep frames without loss: much larger.")] = False,
    teacher: Annotated[
        bool, typer.Option("--teacher", help="Keep Synchformer's features too, which stage 1 then need not compute.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that decode clips. Default: one per core; 0: in this one.")
    ] = None,
    mmaudio_features: Annotated[
        Path | None,
        typer.Option(help="Folder of features that MMAudio extracted, for latents and CLIP texts."),
    ] = None,
    mmaudio_list: Annotated[Path | None, typer.Option(help="The TSV that belongs to these features.")] = None,
    weights: Weights,
) -> None:
    """Make of clips what both stages read; the same command goes on where it was interrupted.

    A clip that cannot be used is named with its reason, and the exit status is then 1.
    """
    if (mmaudio_features is None) != (mmaudio_list is None):
        raise ValueError("--mmaudio-features and --mmaudio-list: go together; give both or neither")
    from baselines.selva.training.preparing import Options
    from baselines.selva.training.preparing import prepare as prepare_clips

    rates: Any = tuple(dict.fromkeys(rate or ["16k"]))
    options = Options(
        seconds=seconds, rates=rates, picture="lossless" if lossless else "jpeg 95 4:4:4", teacher=teacher,
        validation_share=validation_share, workers=workers,
    )  # fmt: skip
    with progress("prepare") as report:
        prepared = prepare_clips(
            clips, lists, out, validation_list=validation_list, options=options,
            mmaudio_features=(mmaudio_features, mmaudio_list) if mmaudio_features and mmaudio_list else None,
            weights=weights.options(), report=report,
        )  # fmt: skip
    _tell_prepared(prepared)


@app.command("run")
@spread
def run(
    *,
    store: Annotated[Path, typer.Option(help="Folder that `train prepare` wrote.")],
    recipe: Annotated[str, typer.Option(help="A name of `train recipes`, or a TOML file of your own.")] = "sup-5",
    out: Annotated[Path | None, typer.Option(help=f"Folder of the run. Default: {DEFAULT_TRAINING}/RECIPE.")] = None,
    stage: Annotated[
        str | None,
        one_of("baselines.selva.training.run_record:StageName", "Only this stage. Default: both.", "encoder|generator"),
    ] = None,
    video_encoder: Annotated[
        Path | None, typer.Option(help="A video encoder of your own, in place of the first stage.")
    ] = None,
    micro_batch: Annotated[
        int | None, typer.Option(min=2, help="Clips that go through the networks at once, for less memory.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read clips ahead, for each GPU.")] = 2,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps of this call, saved.")] = None,
    validating: Validating,
    weights: Weights,
) -> None:
    """Train both stages, or one; the same command goes on where it was stopped.

    Several GPUs: `accelerate launch -m benchmark train run ...`, or torchrun.
    """
    _check_extra("accelerate", "ema_pytorch", "tensorboard")
    from baselines.selva.training.recipe import read_recipe
    from baselines.selva.training.run_folder import STAGES
    from baselines.selva.training.running import train
    from baselines.selva.training.store import Store

    read, folder = read_recipe(recipe), out or DEFAULT_TRAINING / Path(recipe).stem
    stages: Any = STAGES if stage is None else (stage,)
    prepared, (starting, others) = Store.opened(store), _shared_out(weights.options())
    if others and validating.validate_on is None:
        raise ValueError(f"--checkpoint {next(iter(others))}: only a validation uses it; give --validate-on too")
    validate = _validation(validating, weights, others, folder, read)
    ran = train(
        read, prepared, folder, stages=stages, video_encoder=video_encoder,
        weights=starting, device=weights.device, workers=workers, micro_batch=micro_batch, validate=validate,
        validate_scores_every=validating.validate_every if validate else None, stop_after=stop_after, report=_say,
    )  # fmt: skip
    standing = ran.read_record().stages
    _tell(f"{ran.path}: " + "; ".join(f"{name} {one.step} of {one.steps} steps" for name, one in standing.items()))
    if all(one.finished or (name == "encoder" and video_encoder) for name, one in standing.items()):
        _tell(f"next: python -m benchmark train export {ran.path} --out FOLDER")


@app.command("status")
def status(run: RunArgument, as_json: JsonOption = False) -> None:
    """Show how far a training run is; also while it is at work."""
    from baselines.selva.training.status import status as status_of

    found = status_of(run)
    if as_json:
        import json
        from dataclasses import asdict

        from foundation.records import Record

        def plain(value: object) -> object:
            return value.content() if isinstance(value, Record) else str(value)

        typer.echo(json.dumps(asdict(found), indent=2, default=plain))
        return
    for line in found.lines():
        typer.echo(line)


@app.command("plot")
def plot(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="File, .png, .svg or .pdf. Default: curves.png in the run's folder.")
    ] = None,
) -> None:
    """Draw the curves of a training run: loss, gradient norm, learning rate and scores; also while it is at work."""
    from benchmark.training_curves import draw

    typer.echo(draw(run, out or run / "curves.png"))


@app.command("export")
@spread
def export(
    run: RunArgument,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the model, absent or empty.")],
    sigma: Annotated[
        float | None,
        typer.Option(callback=_width, help="Relative width of the average (post-hoc EMA). Default: the recipe's."),
    ] = None,
    step: Annotated[
        int | None, typer.Option(min=1, help="Step of the last stage, one with a snapshot. Default: its last.")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="The run's store, if it has moved.")] = None,
    checkpoint: CheckpointOption = None,
    weights_dir: WeightsDirOption = None,
    allow_unverified: UnverifiedOption = False,
) -> None:
    """Write the two files that `--model selva` loads, with their record and a model card.

    The weights that the run started from are found where they were; options are for those that have moved.
    """
    _check_extra("ema_pytorch")
    from baselines.selva.training.card import usage
    from baselines.selva.training.export import export as export_run

    moved = Weights(checkpoint, weights_dir, allow_unverified).options()
    made = export_run(run, out, sigma=sigma, step=step, weights=moved or None, store=store)
    typer.echo(f"{out}: {made.record.note()}")
    typer.echo(f"next: {usage(made.record, str(out))}")


@app.command("recipes")
def recipes() -> None:
    """List the recipes that come with the suite: one for each trained row of the paper's tables, one for a trial."""
    from baselines.selva.training.recipe import read_recipe, recipe_names

    rows = []
    for name in recipe_names():
        one = read_recipe(name)
        stages = (one.encoder, one.generator)
        rows.append(
            [
                name, one.summary, "; ".join(one.rows) or "–", str(one.encoder.sup_tokens), one.generator.variant,
                " + ".join(f"{each.steps:,}" for each in stages), " and ".join(str(each.batch) for each in stages),
            ]
        )  # fmt: skip
    show_table(("name", "what", "rows of the paper", "[SUP]", "generator", "steps", "batch"), rows)


def _check_extra(*packages: str) -> None:
    """Say what to install where packages of the extra are absent, before clips are read and weights are loaded.

    Raises:
        foundation.extras.MissingPackage: one is; says how to get it.
    """
    from foundation.extras import load_extra

    for package in packages:
        load_extra(package, "train", needed_by="training")


def _is_first() -> bool:
    """Tell whether this process is the one that speaks, of those that torchrun or accelerate started."""
    return os.environ.get("RANK", "0") == "0"


def _tell(*lines: object) -> None:
    """Print lines to stdout, once however many processes train."""
    for line in lines if _is_first() else ():
        typer.echo(line)


def _say(line: str) -> None:
    """Print to stderr how the training goes."""
    if _is_first():
        tell(line, prefix="")


def _shared_out(options: NativeOptions) -> tuple[NativeOptions, dict[str, str | Path]]:
    """Return what a run starts from, and the user's own files for the parts that only a validation uses.

    Raises:
        ValueError: a file for a part that there is not.
    """
    from baselines.selva.model import DEFAULT_SUP_TOKENS, checkpoint_names

    own = dict(options.get("checkpoint") or {})
    known = (*STARTING_PARTS, *(set(checkpoint_names("small_16k", DEFAULT_SUP_TOKENS)) - {"video_encoder"}))
    if unknown := [part for part in own if part not in known]:
        hint = "; that is the option --video-encoder" if unknown[0] == "video_encoder" else ""
        raise ValueError(f"--checkpoint {unknown[0]}: expected one of {', '.join(sorted(set(known)))}{hint}")
    starting: Any = {**options, "checkpoint": {part: own[part] for part in own if part in STARTING_PARTS}}
    return starting, {part: path for part, path in own.items() if part not in STARTING_PARTS}


def _validation(
    asked: Validating, weights: Weights, own: dict[str, str | Path], folder: Path, recipe: Recipe
) -> Validate | None:
    """Return what scores a run on its way; None where that was not asked for."""
    if asked.validate_on is None:
        return None
    from benchmark.choices import Choices
    from benchmark.training import suite_validation

    profile: Any = asked.profile
    subset: Any = asked.validate_subset
    options: Any = {**weights.options(), "checkpoint": own}
    return suite_validation(
        _benchmark(asked.validate_on), folder / "validation", choices=Choices(profile=profile), subset=subset,
        options=options, variant=recipe.generator.variant, limit=asked.limit, keep_audio=asked.keep_audio,
    )  # fmt: skip


def _benchmark(path: Path) -> Benchmark:
    """Return a benchmark; the demo is built first where it is absent."""
    from vgg_monoaudio.dataset import load_benchmark

    if path == DEMO and not (path / "benchmark.json").is_file():
        from benchmark.cli.building import build_demo

        build_demo()
    return load_benchmark(path)


def _tell_prepared(prepared: Prepared) -> None:
    """Say what a store holds, which clips it does not, and leave with status 1 where there are some."""
    from baselines.selva.training.fitting import fitting

    record, skipped = prepared.record, prepared.skipped
    if record.counts is not None:
        typer.echo(f"{prepared.store}: {record.counts.train} clips to train with, {record.counts.validation} held out")
    effect = record.jpeg_effect
    if effect is not None and effect.relative_rms is not None:
        typer.echo(
            f"frames as {record.picture}: the teacher's features move by {effect.relative_rms:.2%} (relative rms)"
        )
    typer.echo(f"next: {fitting(record).usage(prepared.store)}")
    if not skipped:
        return
    tell(f"{len(skipped)} clips were left out:", prefix="")
    for one in skipped[:SHOWN_SKIPPED]:
        tell(f"  {one.id}: {one.reason}", prefix="")
    if len(skipped) > SHOWN_SKIPPED:
        tell(f"  and {len(skipped) - SHOWN_SKIPPED} more, in {prepared.store / 'clips.csv'}", prefix="")
    raise typer.Exit(SOME_FAILED)
