"""The run directory: its schemas, its paths, its fingerprints, and records that are written whole or not at all.

    <runs>/<benchmark>/<subset>/<model>/run.json          what was asked, with what, where; failures by sample
    <runs>/<benchmark>/<subset>/<model>/audio/<id>.wav    what the model answered
    <runs>/<benchmark>/<subset>/<model>/metrics.json      every metric with interval, unit, direction and count
    <runs>/<benchmark>/<subset>/<model>/samples.parquet   one row per sample of the benchmark, scored or not

The JSON Schemas under `docs/schemas` are exported from the classes below; `SCHEMA_VERSION` moves when a field
changes its meaning or goes.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from benchmark.choices import LONGEST_REPR, CompleteRecord
from benchmark.choices import ScoringRecord as ScoringRecord
from foundation.files import file_sha256 as file_sha256  # this and the next are also known by this address
from foundation.files import fingerprint as fingerprint
from foundation.files import write_text
from foundation.paths import FileName, FolderName, check_name, inside, search
from foundation.records import read_bounded, schema_text, what_is_wrong
from foundation.text import as_stored, shortened
from metrics.registry import Better, list_metrics
from vgg_monoaudio.record import BuildRecord

if TYPE_CHECKING:
    import pandas as pd

    from vgg_monoaudio.dataset import Benchmark  # it needs pandas, and --help does not

SCHEMA_VERSION: Literal[1] = 1
LONGEST_FOLDER_BYTES = 200  # of a model's folder; locks and temporary folders beside it have longer names
VERSIONED_PACKAGES = (
    "vgg-monoaudio", "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "av", "scikit-learn",
    "transformers", "laion-clap", "panns-inference",
)  # fmt: skip
_SEED_MARK = "@seed"
SAMPLE_COLUMNS = (  # of samples.parquet, from the manifest; status, reason and the per-sample metrics follow
    "sample_id",
    "label",
    "paired_label",
    "target_id",
    "paired_id",
    "target_category",
    "paired_category",
    "target_side",
)

Stage = Literal["generate", "evaluate"]


class UnusableRun(Exception):
    """A run directory that cannot be read, or that belongs to another request than the one made."""


class DamagedRecord(UnusableRun):
    """A file of a run that is empty, was cut, or does not belong to what lies beside it: it can only be made again."""


class BenchmarkRecord(CompleteRecord):
    """Which samples were asked for."""

    name: FolderName
    version: str
    subset: FolderName
    fingerprint: str = Field(description="SHA-256 over the manifest rows, which carry a hash of every scene")
    samples: int = Field(ge=0, description="rows of the manifest")

    @property
    def title(self) -> str:
        """Name, version and subset."""
        return f"{self.name} {self.version} {self.subset}"

    def is_of(self, built: Benchmark) -> bool:
        """Tell whether a benchmark has this version and subset, with the very samples asked for, whatever its name."""
        subset: Any = self.subset  # text in the record: it may name one that this benchmark lacks
        same_version = self.version == built.version
        return same_version and subset in built.manifests and built.fingerprint(subset) == self.fingerprint


class ModelRecord(CompleteRecord):
    """Which model answered, as it was configured."""

    name: str
    kind: Literal["model", "control", "recorded", "external"]
    options: dict[str, Any] = Field(default_factory=dict)
    sample_rate: int | None = Field(default=None, description="Hz; null where it differs from file to file")
    weights_sha256: dict[str, str] = Field(default_factory=dict, description="checkpoint name to file hash")
    unverified_weights: bool = Field(default=False, description="a checkpoint's hash was not checked")
    untrained: bool = Field(default=False, description="random weights: for timing only, never in a paper's table")
    notes: list[str] = Field(default_factory=list, description="choices a reader of the table should know")


class OwnModelRecord(ModelRecord):
    """A model of the user's own: its class is in a file that was named, in a script or in a notebook."""

    source_sha256: str = Field(description="of the file or notebook cell that holds the class, as it was run")


class TrainedModelRecord(ModelRecord):
    """A model with weights that were trained by `python -m benchmark train`."""

    training: dict[str, Any] = Field(description="what `selva.json` beside them says: recipe, steps, choices, hashes")


FIRST_DEFINITION = "1"


class ControlRecord(ModelRecord):
    """A control that answers by another definition than its first one, under which runs have no such field."""

    definition: str = Field(description="number of the definition; answers of two definitions are never put together")


AnyModelRecord = ModelRecord | OwnModelRecord | TrainedModelRecord | ControlRecord


def control_definition(model: AnyModelRecord) -> str | None:
    """Return the number of the definition by which a control answered; None of a model that is none."""
    if isinstance(model, ControlRecord):
        return model.definition
    return FIRST_DEFINITION if model.kind == "control" else None


class FailureRecord(CompleteRecord):
    """A sample that could not be generated or scored."""

    sample: FileName
    stage: Stage
    reason: str


class CommitRecord(CompleteRecord):
    """The state of the checkout that ran; absent in an installed package."""

    sha: str
    dirty: bool


class EnvironmentRecord(CompleteRecord):
    """Where it ran, as far as numbers may depend on it."""

    python: str
    platform: str
    device: str
    packages: dict[str, str]


class SettingsRecord(CompleteRecord):
    """What a settings file said for the verb that it was given to, by `--config`."""

    file: str = Field(description="its name, without folders")
    sha256: str
    options: dict[str, Any] = Field(description="option to value, as the file has them; the command line may say else")


class CountsRecord(CompleteRecord):
    """How many samples came through each stage."""

    expected: int
    generated: int
    scored: int | None = None


class RunRecord(CompleteRecord):
    """`run.json`: one model on one subset, the generation side."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    status: Literal["running", "finished", "failed"]
    reason: str | None = Field(default=None, description="why it came to no end; null where it did, or still runs")
    fingerprint: str = Field(
        description="over benchmark, model, options, seed and own source file; audio is reused under it"
    )
    benchmark: BenchmarkRecord
    model: AnyModelRecord
    seed: int
    precision: Literal["exact", "fast"] | None = Field(
        default=None,
        description="how a native model computed: float32 throughout, or bfloat16 and TF32; null: no such choice",
    )
    duration_seconds: float
    frame_rule: str | None = Field(
        default=None,
        description="how picture and sound of a file are put in step; null: each stream was moved to zero by itself",
    )
    commit: CommitRecord | None
    environment: EnvironmentRecord
    counts: CountsRecord
    failures: list[FailureRecord]
    started: str = Field(description="UTC, ISO 8601")
    finished: str | None = None
    generation_seconds: float | None = Field(default=None, description="wall clock spent in the model, all attempts")
    settings: SettingsRecord | None = Field(
        default=None, exclude_if=lambda settings: settings is None,
        description="the settings file that was given last; absent: none was",
    )  # fmt: skip
    limit: int | None = Field(
        default=None, exclude_if=lambda limit: limit is None,
        description="only the first so many samples were asked for; absent: all",
    )  # fmt: skip

    @property
    def asked_for_all(self) -> bool:
        """Whether the run came to its end after every sample had been asked for."""
        told = self.counts.generated + sum(failure.stage == "generate" for failure in self.failures)
        return self.status == "finished" and self.limit is None and told >= self.counts.expected

    def __repr__(self) -> str:
        done = f"{self.status}, {self.counts.generated} of {self.counts.expected} generated"
        return _short("RunRecord", f"{self.model.name} on {self.benchmark.title}: {done}")

    __str__ = __repr__


class MetricValue(CompleteRecord):
    """One metric of one run."""

    value: float | None = Field(description="null where it is not defined; `reason` says why")
    ci95: tuple[float, float] | None = Field(default=None, description="bootstrap interval; null: not estimable")
    n: int = Field(description="samples that entered the value")
    unit: str
    better: Better
    version: int = Field(description="version of the metric's definition")
    standard_deviation: float | None = Field(default=None, description="over the splits, for the inception score")
    reason: str | None = None

    def __repr__(self) -> str:
        if self.value is None:
            return _short("MetricValue", f"none: {self.reason}")
        between = "" if self.ci95 is None else f" [{self.ci95[0]:.4g}, {self.ci95[1]:.4g}]"
        return _short("MetricValue", f"{self.value:.4g}{between} {self.unit}".rstrip() + f", n={self.n}")

    __str__ = __repr__


class MetricsRecord(CompleteRecord):
    """`metrics.json`: one model on one subset, scored."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    status: Literal["finished", "partial"] = Field(description="partial: some samples of the manifest are not scored")
    fingerprint: str = Field(description="over the audio files, the reference and the scoring choices")
    benchmark: BenchmarkRecord
    model: AnyModelRecord
    scoring: ScoringRecord
    commit: CommitRecord | None
    environment: EnvironmentRecord
    counts: CountsRecord
    metrics: dict[str, MetricValue]
    failures: list[FailureRecord]
    scored_at: str = Field(description="UTC, ISO 8601")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric, see `frame_of`; `benchmark.scored.read_samples` has the scores of each sample."""
        return frame_of(self.metrics, self.counts.expected)

    def __repr__(self) -> str:
        done = f"{self.counts.scored} of {self.counts.expected} scored by profile {self.scoring.profile}"
        what = f"{self.model.name} on {self.benchmark.title}: {done}, {len(self.metrics)} metrics"
        return _short("MetricsRecord", what)

    __str__ = __repr__


def frame_of(metrics: Mapping[str, MetricValue], expected: int) -> pd.DataFrame:
    """Return metrics as a table, one row each, with their names as the index `metric`.

    Columns: label, value (NaN where there is none), low and high (ends of the 95 % interval, NaN where there is none),
    n, of, unit, better, reason (why there is no value, or no interval; "" where there is nothing to say).

    Args:
        metrics: values by name.
        expected: the samples that should have been scored, for column `of`.
    """
    import pandas as pd  # here, because --help does not need it

    columns = ("label", "value", "low", "high", "n", "of", "unit", "better", "reason")
    labels = {metric.name: metric.label for metric in list_metrics(extended=True)}  # one of a later version has none
    rows = [
        (labels.get(name, name), found.value, *(found.ci95 or (None, None)), found.n, expected, found.unit,
         found.better, found.reason or "")
        for name, found in metrics.items()
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=pd.Index(columns), index=pd.Index(metrics, name="metric"))
    return frame.astype(dict.fromkeys(("value", "low", "high"), "float64"))


def _short(kind: str, what: str) -> str:
    return shortened(f"{kind}({what}", LONGEST_REPR) + ")"


AnyRecord = TypeVar("AnyRecord", RunRecord, MetricsRecord)


@dataclass(frozen=True)
class RunDirectory:
    """Paths of one run; none of them leads out of it, whatever the names.

    Attributes:
        path: the directory; it may itself be behind a link.
        sounds: the folder of its audio, where that is not `<path>/audio`.
    """

    path: Path
    sounds: Path | None = None

    def __repr__(self) -> str:
        return _short("RunDirectory", f"{os.fspath(self.path)!r}")

    @classmethod
    def locate(cls, root: Path, benchmark: str, subset: str, model: str) -> RunDirectory:
        """Return the directory of a model on a subset, whether it exists or not.

        Raises:
            ValueError: one of the three is not the name of one folder.
        """
        return cls(root.joinpath(*(check_name(name, "folder") for name in (benchmark, subset, model))))

    @property
    def run_json(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    @property
    def metrics_json(self) -> Path:
        """`metrics.json`."""
        return self.path / "metrics.json"

    @property
    def samples_parquet(self) -> Path:
        """`samples.parquet`."""
        return self.path / "samples.parquet"

    @property
    def audio_folder(self) -> Path:
        """The folder of the answers."""
        return self.sounds or self.path / "audio"

    def audio(self, sample_id: str) -> Path:
        """Return where the answer to a sample is kept.

        Raises:
            ValueError: the id is not the name of one file.
        """
        return as_stored(self.audio_folder / f"{check_name(sample_id)}.wav")

    def has_audio(self, sample_id: str) -> bool:
        """Tell whether there is an answer to a sample.

        Raises:
            UnusableRun: it is behind a link that leads out of the run.
        """
        path = self.audio(sample_id)
        if not path.is_file():
            return False
        _check_inside(path, self.sounds or self.path)
        return True

    def read_run(self) -> RunRecord:
        """Return `run.json`, checked against its schema."""
        return _read(self.run_json, RunRecord)

    def read_metrics(self) -> MetricsRecord:
        """Return `metrics.json`, checked against its schema."""
        return _read(self.metrics_json, MetricsRecord)

    def write(self, record: RunRecord | MetricsRecord) -> None:
        """Write a record where it belongs, whole or not at all."""
        path = self.run_json if isinstance(record, RunRecord) else self.metrics_json
        write_text(path, record.model_dump_json(by_alias=True, indent=2) + "\n")


def _read(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    if not path.is_file():
        raise UnusableRun(f"{path}: no such file; run `python -m benchmark eval` first")
    check_file(path)
    try:
        return kind.model_validate_json(read_bounded(path))
    except ValidationError as error:
        if any(problem["type"] == "json_invalid" for problem in error.errors()):
            what = "empty" if not path.read_bytes().strip(b"\0 \r\n\t") else "cut or damaged"
            way_out = "give the command that made it again" if kind is RunRecord else "score the run again"
            raise DamagedRecord(f"{path}: {what} ({what_is_wrong(error)}); {way_out}") from error
        raise UnusableRun(f"{path}: {_what_is_wrong(error)}; {_way_out(kind)}") from error
    except ValueError as error:
        raise UnusableRun(f"{path}: {error}; {_way_out(kind)}") from error


def _way_out(kind: type[AnyRecord]) -> str:
    return "pass --fresh to make the run again" if kind is RunRecord else "remove it and score the run again"


def check_file(path: Path) -> None:
    """Refuse a file of a run, such as its record, that is not in the run.

    Raises:
        UnusableRun: it is behind a link that leads out of the run's directory.
    """
    _check_inside(path, path.parent)


def _check_inside(path: Path, folder: Path) -> None:
    """Files that a link brings in from elsewhere are neither scored nor shown: a run may be somebody else's."""
    if not inside(path, folder):
        raise UnusableRun(
            f"{path}: leads out of {folder}, to {path.resolve()}, so it is not read; "
            "copy the run with the files themselves: cp -rL"
        )


def _what_is_wrong(error: ValidationError) -> str:
    for problem in error.errors():
        if problem["loc"] == ("schema",):
            return f"schema {problem['input']!r}, this version reads {SCHEMA_VERSION}"
    return f"not a record this version reads: {what_is_wrong(error)}"


def json_schemas() -> dict[str, str]:
    """Return the JSON Schema of each record, as text by file name."""
    from baselines.selva.training.own_weights import OwnWeights
    from baselines.selva.training.run_record import RunRecord as TrainingRecord

    return {
        "run.schema.json": schema_text(RunRecord),
        "metrics.schema.json": schema_text(MetricsRecord),
        "benchmark.schema.json": schema_text(BuildRecord, mode="validation"),  # its optional fields may be absent
        "training-run.schema.json": schema_text(TrainingRecord),
        "selva.schema.json": schema_text(OwnWeights),
    }


@cache
def current_commit() -> CommitRecord | None:
    """Return commit and cleanliness of the checkout this package runs from; None outside a checkout."""
    here = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", os.fspath(here), *arguments], capture_output=True, text=True)
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    sha = git("rev-parse", "HEAD")
    return None if sha is None else CommitRecord(sha=sha, dirty=bool(git("status", "--porcelain")))


@cache
def current_environment(device: str = "cpu") -> EnvironmentRecord:
    """Return interpreter, platform and the versions of the packages that numbers may depend on."""
    packages = {}
    for name in VERSIONED_PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an optional package that is absent has no influence
    return EnvironmentRecord(
        python=platform.python_version(), platform=platform.platform(), device=device, packages=packages
    )


def folder_name(model: str) -> str:
    """Return a model's name as that of one folder; names registered elsewhere may hold anything, at any length."""
    name = re.sub(r"[^\w.+@ -]", "-", model).strip().lstrip(". ") or "model"
    if len(name.encode()) <= LONGEST_FOLDER_BYTES:
        return name
    mark = f"-{fingerprint([model])[:12]}"  # two long names that begin alike stay two
    return name.encode()[: LONGEST_FOLDER_BYTES - len(mark)].decode("utf-8", "ignore") + mark


def seed_run_name(name: str, seed: int) -> str:
    """Return the name of the run that a further seed of a model has beside the run of this name."""
    return f"{name}{_SEED_MARK}{seed}"


def named_for_seed(name: str) -> tuple[str, int | None]:
    """Return what a run is called without its seed, and the seed; None where its name has none."""
    base, mark, seed = name.rpartition(_SEED_MARK)
    named = base and mark and re.fullmatch(r"-?\d{1,20}", seed, re.ASCII)
    return (base, int(seed)) if named else (name, None)


def runs_of_seeds(path: Path) -> dict[int, RunDirectory]:
    """Return the runs that were begun with further seeds of the run in this directory, scored or not, by seed."""
    found: dict[int, RunDirectory] = {}
    if path.parent.is_dir():
        for folder in path.parent.iterdir():
            base, seed = named_for_seed(folder.name)
            if base == path.name and seed is not None and (folder / "run.json").is_file():
                found[seed] = RunDirectory(folder)
    return dict(sorted(found.items()))


def find_runs(root: Path) -> list[RunDirectory]:
    """Return every scored run below a folder, sorted by path; links to folders are followed.

    A run that is reached twice, by its folder and by a link, is one run. What is passed over is named by a warning, see
    `foundation.paths.search`.
    """
    return sorted(
        (RunDirectory(file.parent) for file in search(root, closed_by="metrics.json") if file.name == "metrics.json"),
        key=lambda run: run.path,
    )
