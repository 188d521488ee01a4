"""Every option that verbs share, written once, and the groups of options that verbs take as one argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from benchmark.choices import FEWEST_RESAMPLES, BandwidthFrom, FrameRule, ProfileName, ReferenceVideo, ResampleBy
from benchmark.cli import completing
from benchmark.cli.settings_file import ConfigOption
from benchmark.help_pages import MOST_OPTIONS, REST, HelpAllOption
from benchmark.places import DEFAULT_CACHE, DEFAULT_RUNS, FULL
from benchmark.report.options import CacheOption as CacheOption
from benchmark.report.options import JsonOption as JsonOption
from benchmark.report.options import UnverifiedOption, place
from foundation.names import joined, load
from metrics.registry import metric_names


def one_of(words: Any, help: str, metavar: str | None = None, *, rest: bool = False) -> Any:
    """Return an option that takes the words of a `Literal` and refuses every other before the verb begins.

    Args:
        words: the `Literal`, or "module:name" of one whose module is too heavy for `--help`.
        help: what the words decide.
        metavar: what the help shows for the value, and a shell offers; None: the words.
        rest: show it with `--help-all` alone, where a verb has very many options.

    Raises:
        ValueError: from the option, when it is given another word; names the option, its words and the value.
    """

    def check(parameter: typer.CallbackParam, value: str | list[str] | None) -> str | list[str] | None:
        known = get_args(load(words) if isinstance(words, str) else words)
        for one in [value] if isinstance(value, str) else value or ():  # a list where it may be given several times
            if one not in known:
                raise ValueError(f"{parameter.opts[0]}: expected {joined(known)}, got {one!r}")
        return value

    shown = metavar or "|".join(get_args(words))
    return typer.Option(
        help=help, metavar=shown, callback=check, autocompletion=completing.words(shown.split("|")),
        rich_help_panel=REST if rest else None,
    )  # fmt: skip


def number_or_auto(parameter: typer.CallbackParam, value: str) -> int | str:
    """Return a number of 1 or more, or "auto".

    Raises:
        ValueError: it is neither; names the option.
    """
    if value == "auto":
        return value
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"{parameter.opts[0]}: expected 1 or more, or auto, got {value!r}")
    return int(value)


# Benchmarks and models
BenchmarkArgument = Annotated[Path, typer.Argument(help="Benchmark directory.")]
BenchmarkOption = Annotated[
    Path | None, typer.Option(help=f"Benchmark directory. Default: {FULL} where it is, else the demo.")
]
SubsetOption = Annotated[
    str | None,
    one_of("vgg_monoaudio.dataset:Subset", "Which part of the benchmark. Default: all.", "inter|intra|single"),
]
ModelOption = Annotated[
    str,
    typer.Option(
        autocompletion=completing.models, help="A name of `list-models`, or a class of your own: mymodel.py:MyModel."
    ),
]
OptionOption = Annotated[
    list[str] | None, typer.Option("--option", help="A model's own option, key=value; may be given several times.")
]
CheckpointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint", help="Weights of your own: part=file, or of several models MODEL:part=file; several times."
    ),
]
FolderOption = Annotated[Path | None, typer.Option(help="Model recorded: folder of the files.")]
PadOption = Annotated[bool, typer.Option(rich_help_panel=REST, help="Model recorded: fill short files with zeros.")]
EndpointOption = Annotated[
    str | None, typer.Option(rich_help_panel=REST, help="Model http: address that requests are posted to.")
]
SegmenterOption = Annotated[
    str | None,
    one_of(
        "baselines.programs.vos_mmaudio:SegmenterName",
        "Model vos-mmaudio: what finds the thing.",
        "deva|gsam2",
        rest=True,
    ),
]
RandomOption = Annotated[
    bool,
    typer.Option(rich_help_panel=REST, help="Random weights, for timing and smoke tests; marks the run untrained."),
]
PrecisionOption = Annotated[
    str | None,
    one_of(
        "foundation.devices:Precision",
        "How native models compute: exact (float32) or fast (bfloat16, TF32). Default: fast on a GPU.",
        "exact|fast",
        rest=True,
    ),
]
DtypeOption = Annotated[
    str | None,
    one_of("baselines.options:DType", "Another spelling of --precision.", "fp32|bf16", rest=True),
]
CompileOption = Annotated[
    bool, typer.Option("--compile", rich_help_panel=REST, help="Compile native models: a minute, then faster.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        metavar="cpu|cuda|cuda:N|mps",
        autocompletion=completing.devices,
        help="Where networks run. Default: a GPU if any.",
    ),
]
WeightsDirOption = Annotated[
    Path | None, typer.Option(help="Folder of the weights. Default: $VGG_MONOAUDIO_WEIGHTS or weights.")
]

# Runs
RunsOption = Annotated[
    Any,
    typer.Option(
        rich_help_panel=REST, help="Root of the run directories; a path or an address.", metavar="PLACE", parser=place
    ),
]
RunNameOption = Annotated[str | None, typer.Option(rich_help_panel=REST, help="Name of the run. Default: the model's.")]
SeedOption = Annotated[int, typer.Option(help="Each sample's seed is made from it and the sample's name.")]
SeedsOption = Annotated[int, typer.Option(min=1, help="How many, from --seed on; each is a run, shown as one row.")]
WorkersOption = Annotated[
    int | None, typer.Option(rich_help_panel=REST, min=0, help="Processes that decode. Default: one per core.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first so many samples.")]
BatchOption = Annotated[
    str,
    typer.Option(
        metavar="N|auto", callback=number_or_auto,
        help="Requests at once, for models that take several; auto: what fits the GPU.",
    ),
]  # fmt: skip
FreshOption = Annotated[bool, typer.Option(help="Discard what the run directory holds.")]

# Scores; a choice has the name of its field in `benchmark.choices.Choices`
ProfileOption = Annotated[
    str | None, one_of(ProfileName, "Which backbones score. Default: signal for the demo, else paper.")
]
ReferenceOption = Annotated[str, one_of(ReferenceVideo, "Video that IB and DeSync compare with.", rest=True)]
BandwidthOption = Annotated[str, one_of(BandwidthFrom, "Set whose median distance is KAD's bandwidth.", rest=True)]
FrameRuleOption = Annotated[
    str,
    one_of(
        FrameRule,
        "Where a reference video is short: refuse to score, drop the sample and name it, or repeat the last frame for "
        "up to 3 frames (1 of ImageBind's) and drop what is shorter.",
        rest=True,
    ),
]
ResampleOption = Annotated[
    str, one_of(ResampleBy, "What the bootstrap draws: source clips or single samples.", rest=True)
]
ResamplesOption = Annotated[
    int, typer.Option(rich_help_panel=REST, min=FEWEST_RESAMPLES, help="Bootstrap resamples for the intervals.")
]
ExtendedOption = Annotated[
    bool,
    typer.Option("--extended", help="Also the metrics that are scored only on request: `list-metrics` marks them."),
]


def metrics_by_name(value: str | None) -> tuple[str, ...] | None:
    """Return the metrics that a list of names or labels means; None where none is given.

    Raises:
        ValueError: no metric has one of the names (gives near ones), two mean one, or the list is empty.
    """
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise ValueError(f"--metrics: expected names separated by commas, got {value!r}; `list-metrics` shows them")
    return metric_names(names)


MetricsOption = Annotated[
    str | None,
    typer.Option(
        "--metrics", metavar="NAME,...", callback=metrics_by_name, autocompletion=completing.metrics,
        help="Exactly these, by name or label, and only the networks they need; `list-metrics` shows them.",
    ),
]  # fmt: skip
MissingOption = Annotated[
    bool, typer.Option(rich_help_panel=REST, help="Score the rest where generated files are missing or broken.")
]
ShareOption = Annotated[
    bool,
    typer.Option(
        rich_help_panel=REST,
        help="Share the reading of files with the same command that runs elsewhere at the same time.",
    ),
]

# Clips and lists
VGGSoundOption = Annotated[
    Path,
    typer.Option("--vggsound", exists=True, dir_okay=False, help="VGGSound's list, in either public form (CSV)."),
]
CutWorkersOption = Annotated[int | None, typer.Option(min=1, help="Files made at once. Default: one per core.")]
UnusableOption = Annotated[bool, typer.Option(help="Leave out clips that cannot be used.")]
OverwriteOption = Annotated[bool, typer.Option(help="Replace a benchmark of other clips or settings.")]


@dataclass(frozen=True)
class ModelOptions:
    """What a model is told."""

    option: OptionOption = None
    folder: FolderOption = None
    pad: PadOption = False
    endpoint: EndpointOption = None
    segmenter: SegmenterOption = None
    checkpoint: CheckpointOption = None
    random_weights: RandomOption = False
    precision: PrecisionOption = None
    dtype: DtypeOption = None
    compile_model: CompileOption = False
    allow_unverified: UnverifiedOption = False


@dataclass(frozen=True)
class RunOptions:
    """How a model is run; the fields are arguments of `benchmark.generate`."""

    runs: RunsOption = DEFAULT_RUNS
    run_name: RunNameOption = None
    seed: SeedOption = 0
    limit: LimitOption = None
    batch_size: BatchOption = 1  # type: ignore[assignment]  # the option's words become numbers
    workers: WorkersOption = None
    device: DeviceOption = None
    fresh: FreshOption = False
    settings: ConfigOption = None


@dataclass(frozen=True)
class ScoreOptions:
    """How runs are scored: the choices that decide the numbers, and how the work is done."""

    profile: ProfileOption = None
    reference_video: ReferenceOption = "target"
    bandwidth_from: BandwidthOption = "generated"
    resample_by: ResampleOption = "source"
    resamples: ResamplesOption = 1000
    extended: ExtendedOption = False
    metrics: MetricsOption = None
    frame_rule: FrameRuleOption = "refuse"
    cache: CacheOption = DEFAULT_CACHE
    workers: WorkersOption = None
    device: DeviceOption = None
    allow_unverified: UnverifiedOption = False
    allow_missing: MissingOption = False
    settings: ConfigOption = None  # its values are those of the options above by now


def spread(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb whose arguments that are groups of options are one option per field on the command line.

    An option that two groups have is one option, and both groups get its value. A verb that has very many gets
    `--help-all` beside them.

    Args:
        verb: a function whose annotations are options, or dataclasses whose fields are.

    Raises:
        TypeError: when two groups have one name for different options.
    """
    hints = get_type_hints(verb, include_extras=True)
    options: dict[str, inspect.Parameter] = {}
    groups: dict[str, type] = {}
    for name, parameter in inspect.signature(verb).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
            found = _fields(hints[name])
        else:
            found = [inspect.Parameter(name, _BY_NAME, default=parameter.default, annotation=hints[name])]
        for option in found:
            if options.setdefault(option.name, option) != option:
                raise TypeError(f"{verb.__name__}: two groups of options mean different things by {option.name!r}")

    @wraps(verb)
    def called(**given: Any) -> None:
        taken = {name: group(**{f.name: given[f.name] for f in fields(group)}) for name, group in groups.items()}
        single = {name: value for name, value in given.items() if name in hints and name not in groups}
        verb(**single, **taken)

    if len(options) >= MOST_OPTIONS:
        options["help_all"] = inspect.Parameter("help_all", _BY_NAME, default=False, annotation=HelpAllOption)
    called.__signature__ = inspect.Signature(list(options.values()))  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {name: option.annotation for name, option in options.items()}
    return called


_BY_NAME = inspect.Parameter.KEYWORD_ONLY


def _fields(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, _BY_NAME, annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(group)
    ]  # fmt: skip
