"""`generate`, `evaluate` and `eval`: models on a benchmark, scored."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.asking import (
    check_options,
    check_recorded,
    check_words,
    choices_of,
    find_benchmark,
    model_options,
    options_of,
    subsets,
)
from benchmark.cli.building import FULL
from benchmark.cli.progress import progress
from benchmark.exits import SOME_FAILED, tell

if TYPE_CHECKING:
    from benchmark.choices import Choices
    from benchmark.profiles import Profile
    from benchmark.runs import FailureRecord, MetricsRecord, RunDirectory
    from vgg_monoaudio.dataset import Benchmark, Subset

SHOWN_FAILURES = 10

BenchmarkOption = Annotated[
    Path | None, typer.Option(help=f"Benchmark directory. Default: {FULL} where it is, else the demo.")
]
ModelsOption = Annotated[
    list[str] | None, typer.Option(help="A model's name; may be given several times. Default: the controls.")
]
SubsetOption = Annotated[str | None, typer.Option(help="inter or intra. Default: both.")]
OptionOption = Annotated[
    list[str] | None, typer.Option("--option", help="A model's own option, key=value; may be given several times.")
]
RunsOption = Annotated[Path, typer.Option(help="Root of the run directories.")]
CacheOption = Annotated[Path, typer.Option(help="Where features are kept.")]
SeedOption = Annotated[int, typer.Option(help="Every sample's seed is made from it and the sample's name.")]
ProfileOption = Annotated[
    str | None, typer.Option(help="Which backbones score: paper or signal. Default: signal for the demo, else paper.")
]
ReferenceOption = Annotated[str, typer.Option(help="Video that IB and DeSync compare with: target or composed.")]
BandwidthOption = Annotated[str, typer.Option(help="Set whose median distance is KAD's bandwidth.")]
ResampleOption = Annotated[str, typer.Option(help="What the bootstrap draws: source clips or single samples.")]
ExtendedOption = Annotated[
    bool, typer.Option("--extended", help="Also FD-VGG, FD, IS and KL with PaSST, and onsets; profile paper only.")
]
ResamplesOption = Annotated[int, typer.Option(min=40, help="Bootstrap resamples for the intervals.")]
WorkersOption = Annotated[int | None, typer.Option(min=0, help="Processes that decode. Default: one a core.")]
DeviceOption = Annotated[str | None, typer.Option(help="Where networks run: cpu, cuda, mps. Default: a GPU if any.")]
UnverifiedOption = Annotated[bool, typer.Option(help="Take weights of unknown hash; marks run and tables.")]
MissingOption = Annotated[bool, typer.Option(help="Score the rest where generated files are missing or broken.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first so many samples.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Requests at once, for models that take several.")]
FreshOption = Annotated[bool, typer.Option(help="Throw away what the run directory holds.")]
FolderOption = Annotated[Path | None, typer.Option(help="Model recorded: folder of the files.")]
CheckpointOption = Annotated[
    list[str] | None, typer.Option("--checkpoint", help="Weights of your own, part=file; may be given several times.")
]
RandomOption = Annotated[
    bool, typer.Option(help="Random weights, for timing and smoke tests; marks the run untrained.")
]
DtypeOption = Annotated[str | None, typer.Option(help="Precision of native models: fp32 or bf16. Default: fp32.")]
CompileOption = Annotated[bool, typer.Option("--compile", help="Compile native models.")]
EndpointOption = Annotated[str | None, typer.Option(help="Model http: address that requests are posted to.")]
SegmenterOption = Annotated[str | None, typer.Option(help="Model vos-mmaudio: deva or gsam2.")]
PadOption = Annotated[bool, typer.Option(help="Model recorded: fill short files with zeros.")]
RunNameOption = Annotated[str | None, typer.Option(help="Name of the run. Default: the model's.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print results as JSON.")]


def generate(
    model: Annotated[str, typer.Argument(help="A model's name; `list-models` shows them.")],
    benchmark: BenchmarkOption = None,
    subset: SubsetOption = None,
    option: OptionOption = None,
    folder: FolderOption = None,
    pad: PadOption = False,
    endpoint: EndpointOption = None,
    segmenter: SegmenterOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    dtype: DtypeOption = None,
    compile_model: CompileOption = False,
    allow_unverified: UnverifiedOption = False,
    runs: RunsOption = Path("results/runs"),
    run_name: RunNameOption = None,
    seed: SeedOption = 0,
    limit: LimitOption = None,
    batch_size: BatchOption = 1,
    device: DeviceOption = None,
    fresh: FreshOption = False,
) -> None:
    """Let a model answer every sample; what is there already is not made again."""
    own = model_options(
        option, checkpoint=checkpoint, folder=folder and str(folder), pad=pad, random_weights=random_weights,
        dtype=dtype, compile=compile_model, allow_unverified=allow_unverified,
        endpoint=endpoint, segmenter=segmenter,
    )  # fmt: skip
    check_options([model], own, run_name)
    check_words(subset=subset)
    built = find_benchmark(benchmark)
    failures: list[FailureRecord] = []
    for part in subsets(built, subset):
        directory = _generate(
            built, model, part, runs, options_of(model, own), seed, limit, batch_size, device, fresh, run_name
        )
        record = directory.read_run()
        failures += record.failures
        typer.echo(f"{directory.path}: {record.counts.generated} of {record.counts.expected} generated")
    _leave_with(failures)


def evaluate(
    run: Annotated[list[Path], typer.Argument(help="Run directories that `generate` wrote.")],
    benchmark: BenchmarkOption = None,
    profile: ProfileOption = None,
    reference_video: ReferenceOption = "target",
    bandwidth_from: BandwidthOption = "generated",
    resample_by: ResampleOption = "source",
    resamples: ResamplesOption = 1000,
    extended: ExtendedOption = False,
    cache: CacheOption = Path("results/cache"),
    workers: WorkersOption = None,
    device: DeviceOption = None,
    allow_unverified: UnverifiedOption = False,
    allow_missing: MissingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score runs: features, metrics, intervals."""
    from benchmark.runs import RunDirectory

    words = {"reference_video": reference_video, "bandwidth_from": bandwidth_from, "resample_by": resample_by}
    check_words(profile=profile, **words)
    directories = [RunDirectory(path) for path in run]
    for directory in directories:
        directory.read_run()  # before a benchmark is built or weights are read
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        built = find_benchmark(benchmark)
    choices = choices_of(built, profile=profile, resamples=resamples, extended=extended, **words)
    loaded = _load_profile(choices, device, allow_unverified)
    records = [_score(directory, built, choices, loaded, cache, workers, allow_missing) for directory in directories]
    if as_json:
        typer.echo(f"[{','.join(record.model_dump_json(by_alias=True, indent=2) for record in records)}]")
    else:
        for path, record in zip(run, records, strict=True):
            typer.echo(f"{path}: {record.counts.scored} of {record.counts.expected} scored")
    _leave_with([failure for record in records for failure in record.failures])


def evaluate_models(
    model: ModelsOption = None,
    benchmark: BenchmarkOption = None,
    subset: SubsetOption = None,
    profile: ProfileOption = None,
    option: OptionOption = None,
    folder: FolderOption = None,
    pad: PadOption = False,
    endpoint: EndpointOption = None,
    segmenter: SegmenterOption = None,
    checkpoint: CheckpointOption = None,
    random_weights: RandomOption = False,
    dtype: DtypeOption = None,
    compile_model: CompileOption = False,
    allow_unverified: UnverifiedOption = False,
    runs: RunsOption = Path("results/runs"),
    run_name: RunNameOption = None,
    cache: CacheOption = Path("results/cache"),
    out: Annotated[Path, typer.Option(help="Report: path without an ending.")] = Path("results/report"),
    seed: SeedOption = 0,
    limit: LimitOption = None,
    batch_size: BatchOption = 1,
    reference_video: ReferenceOption = "target",
    bandwidth_from: BandwidthOption = "generated",
    resample_by: ResampleOption = "source",
    resamples: ResamplesOption = 1000,
    extended: ExtendedOption = False,
    workers: WorkersOption = None,
    device: DeviceOption = None,
    allow_missing: MissingOption = False,
    fresh: FreshOption = False,
) -> None:  # fmt: skip
    """Generate, score and report in one go: the controls, or the models named."""
    from baselines import CONTROLS, PAIRED_CONTROLS, get_model

    models = model or list(CONTROLS)
    own = model_options(
        option, checkpoint=checkpoint, folder=folder and str(folder), pad=pad, random_weights=random_weights,
        dtype=dtype, compile=compile_model, allow_unverified=allow_unverified,
        endpoint=endpoint, segmenter=segmenter,
    )  # fmt: skip
    words = {"reference_video": reference_video, "bandwidth_from": bandwidth_from, "resample_by": resample_by}
    check_options(models, own, run_name)
    check_words(profile=profile, subset=subset, **words)
    built = find_benchmark(benchmark)
    choices = choices_of(built, profile=profile, resamples=resamples, extended=extended, **words)
    parts = subsets(built, subset)
    if not model and parts == ["single"]:
        models = [name for name in models if name not in PAIRED_CONTROLS]
    if not allow_missing:
        check_recorded(models, built, parts, folder, limit)
    loaded = _load_profile(choices, device, allow_unverified)
    directories: list[RunDirectory] = []
    failures: list[FailureRecord] = []
    for name in models:
        for part in parts:
            directory = _generate(
                built, name, part, runs, options_of(name, own), seed, limit, batch_size, device, fresh, run_name
            )
            if get_model(name).kind == "recorded" and not allow_missing:
                _check_read(directory)
            record = _score(directory, built, choices, loaded, cache, workers, allow_missing or limit is not None)
            directories.append(directory)
            asked = {sample.sample_id for sample in built.samples(part)[:limit]}
            failures += [failure for failure in record.failures if failure.sample in asked]
    _report(directories, built, out)
    _leave_with(failures)


def _generate(
    built: Benchmark, name: str, part: Subset, runs: Path, options: dict[str, Any], seed: int, limit: int | None,
    batch_size: int, device: str | None, fresh: bool, run_name: str | None,
) -> RunDirectory:  # fmt: skip
    from benchmark.generation import generate as run_model

    with progress(f"{name} {part}") as report:
        return run_model(
            built, name, subset=part, runs=runs, options=options, seed=seed, limit=limit, batch_size=batch_size,
            device=device, fresh=fresh, run_name=run_name, progress=report,
        )  # fmt: skip


def _check_read(directory: RunDirectory) -> None:
    """Refuse to score a part of the user's files as if it were all of them."""
    failures = directory.read_run().failures
    if failures:
        raise ValueError(
            f"{len(failures)} recorded files cannot be used, the first: {failures[0].reason}; "
            "mend them, or pass --allow-missing to score the others"
        )


def _load_profile(choices: Choices, device: str | None, allow_unverified: bool) -> Profile:
    """Load the profile once for all runs, and before the first of them: missing weights are said at once."""
    from benchmark.profiles import load_profile

    return load_profile(choices.profile, device=device, allow_unverified=allow_unverified, extended=choices.extended)


def _score(
    directory: RunDirectory, built: Benchmark, choices: Choices, profile: Profile, cache: Path, workers: int | None,
    allow_missing: bool,
) -> MetricsRecord:  # fmt: skip
    from benchmark.evaluation import evaluate as score_run

    with progress(directory.path.name) as report:
        return score_run(
            directory, built, choices, profile=profile, cache=cache, workers=workers, allow_missing=allow_missing,
            progress=report,
        )  # fmt: skip


def _report(directories: Sequence[RunDirectory], built: Benchmark, out: Path) -> None:
    from rich.console import Console

    from benchmark.report.tables.terminal import TerminalTable
    from benchmark.report.write import build_report

    report = build_report(directories, out, benchmark_dirs={built.name: built.path})
    Console().print(TerminalTable(report.table))
    typer.echo(f"tables: {report.paths.markdown}, {report.paths.csv}, {report.paths.latex}")
    typer.echo(f"page:   {report.paths.html}")


def _leave_with(failures: Sequence[FailureRecord]) -> None:
    """Name the samples that failed and leave with status 1; do nothing where none did."""
    if not failures:
        return
    tell(f"{len(failures)} samples failed:", prefix="")
    for failure in failures[:SHOWN_FAILURES]:
        tell(f"  {failure.sample} ({failure.stage}): {failure.reason}", prefix="")
    if len(failures) > SHOWN_FAILURES:
        tell(f"  and {len(failures) - SHOWN_FAILURES} more, in run.json and metrics.json", prefix="")
    raise typer.Exit(SOME_FAILED)
