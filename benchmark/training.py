"""Validation of a training run by the suite itself: what is trained so far answers a benchmark and is scored.

`RUN/validation/<stage>/step-N/` holds `validation.json`, what was asked and what came of it, and below `runs/` the run
as every other, with its intervals.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from baselines.mmaudio.native import NativeOptions
from baselines.selva.training.curve import VALIDATION_FAILED
from baselines.selva.training.run_record import Scoring
from benchmark.choices import Choices
from benchmark.places import DEFAULT_CACHE
from benchmark.runs import MetricsRecord, RunDirectory
from foundation.checkpoints import WeightOptions, digests
from foundation.files import PathLike, file_sha256, fingerprint, write_text
from foundation.names import joined
from foundation.records import Record, escaped, read_bounded
from vgg_monoaudio.dataset import Benchmark, Subset, load_benchmark

if TYPE_CHECKING:
    from baselines.selva.training.candidates import Candidate, Validate

MODEL = "selva"
CANDIDATE, SELVA_JSON = "candidate", "selva.json"
TRAINED = ("video_encoder", "generator")  # parts that come from the run; all others are the published ones
SCORED, ASKED = "samples_scored", "samples_asked"  # beside the names of metrics

# What is not told of how scores are measured: choices that have a field of their own or decide intervals alone, and
# options that move a score by rounding at most.
_UNTOLD_CHOICES = {"profile", "extended", "resample_by", "resamples", "seed"}
_UNTOLD_OPTIONS = {"checkpoint", "device", "weights_dir", "features_dir", "store", "compile"}

log = logging.getLogger(__name__)


class ValidationRecord(Record):
    """`validation.json`: one validation, begun, scored or failed.

    Attributes:
        asked: hash of the candidate's files and of everything that decides the scores.
        scoring: how scores are measured; records of early versions do not say.
        status: how far it is.
        values: what it measured, by name.
        reason: why it failed.
    """

    asked: str
    scoring: Scoring | None = None
    status: Literal["begun", "scored", "failed"]
    values: dict[str, float] = Field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class SuiteValidation:
    """Scores a candidate on a benchmark, with the suite's own `generate` and `evaluate`.

    Attributes:
        benchmark: that is answered.
        subset: of it.
        folder: where its runs are kept, `RUN/validation`.
        choices: how they are scored.
        options: the model's own, beside those that the candidate decides.
        limit: only the first so many samples.
        seed: of every validation, so that candidates answer from the same noise.
        cache: of features.
        workers: processes that decode.
        keep_audio: keep the answers once they are scored.
    """

    benchmark: Benchmark
    subset: Subset
    folder: Path
    choices: Choices
    options: NativeOptions
    limit: int | None = None
    seed: int = 0
    cache: PathLike = DEFAULT_CACHE
    workers: int | None = None
    keep_audio: bool = False

    def __call__(self, step: int, candidate: Candidate) -> dict[str, float]:
        """Return every score of a candidate that is defined, by its metric's name, and of how many samples.

        One that was scored before is not scored again; one that was interrupted goes on. A validation that fails costs
        itself alone: the training goes on, the reason is logged and kept, and the value `validation_failed` is 1.

        Args:
            step: of the stage.
            candidate: the two files.
        """
        place, asked = self.folder / candidate.stage / f"step-{step}", self._asked(candidate)
        previous = _read(place)
        if previous is not None and previous.asked == asked and previous.status == "scored":
            return dict(previous.values)
        if previous is not None and previous.asked != asked:  # of other weights: the run was changed since
            shutil.rmtree(place)
        begun = ValidationRecord(asked=asked, scoring=self.scoring, status="begun")
        _write(place, begun)
        try:
            run, record = self._scored(place, candidate)
        except Exception as error:  # whatever it is: days of training are worth more than one point of a curve
            where = f"step {step} of the {candidate.stage}"
            log.warning("validation at %s failed: %s; the training goes on", where, error)
            why = escaped(f"{type(error).__name__}: {error}")
            failed = {"status": "failed", "values": {VALIDATION_FAILED: 1.0}, "reason": why}
            _write(place, begun.model_copy(update=failed))
            shutil.rmtree(place / CANDIDATE, ignore_errors=True)  # over a gigabyte, made anew if asked again
            return {VALIDATION_FAILED: 1.0}
        finally:
            _free_memory()
        found = {name: one.value for name, one in record.metrics.items()}
        values = {name: value for name, value in found.items() if value is not None and math.isfinite(value)}
        values |= {SCORED: float(record.counts.scored or 0), ASKED: float(self.scoring.samples)}
        _write(place, begun.model_copy(update={"status": "scored", "values": values}))
        shutil.rmtree(place / CANDIDATE)
        if not self.keep_audio:
            shutil.rmtree(run.audio_folder, ignore_errors=True)
        return values

    @cached_property
    def scoring(self) -> Scoring:
        """How scores are measured: what the run's record, its curves and an export repeat."""
        samples = len(self.benchmark.samples(self.subset))
        return Scoring(
            benchmark=self.benchmark.name, version=self.benchmark.version,
            fingerprint=self.benchmark.fingerprint(self.subset), subset=self.subset,
            samples=min(samples, self.limit or samples), of=samples, profile=self.choices.profile,
            extended=self.choices.extended, seed=self.seed, others=_unusual(self.choices, self.options),
        )  # fmt: skip

    def _scored(self, place: Path, candidate: Candidate) -> tuple[RunDirectory, MetricsRecord]:
        from benchmark.evaluation import evaluate
        from benchmark.generation import generate

        options = self._options(at_hand(candidate, place))
        run = generate(
            self.benchmark, MODEL, subset=self.subset, runs=place / "runs", options=options,
            seed=self.seed, limit=self.limit, batch_size="auto", workers=self.workers, progress=False,
        )  # fmt: skip
        record = evaluate(
            run, self.benchmark, self.choices, cache=self.cache, workers=self.workers, allow_missing=True,
            progress=False, **_of_weights(self.options),
        )  # fmt: skip
        return run, record

    def _options(self, candidate: Candidate) -> dict[str, Any]:
        """Return the model's options: the candidate's files take the place of whatever was given for these parts."""
        files = {part: str(path) for part, path in (self.options.get("checkpoint") or {}).items()}
        files |= {part: str(getattr(candidate, part)) for part in TRAINED}
        shape = {"variant": candidate.variant, "num_sup_tokens": candidate.sup_tokens}
        return {**self.options, **shape, "checkpoint": files}

    def _asked(self, candidate: Candidate) -> str:
        return fingerprint(
            {
                "files": {part: file_sha256(getattr(candidate, part)) for part in TRAINED},
                "model": [candidate.variant, candidate.sup_tokens],
                "options": {key: str(value) for key, value in self.options.items()},
                "benchmark": self.benchmark.fingerprint(self.subset),
                "choices": vars(self.choices),
                "seed": self.seed,
                "limit": self.limit,
            }
        )


def at_hand(candidate: Candidate, place: Path) -> Candidate:
    """Return a candidate whose files lie at one place every time it is asked for, so that its answers are gone on with.

    They are linked, not copied, where the file system can; what says of them how they were trained comes along.
    """
    folder = place / CANDIDATE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = [candidate.video_encoder, candidate.generator]
    for path in dict.fromkeys([*given, *(path.with_name(SELVA_JSON) for path in given)]):
        if path.is_file() or path in given:
            try:
                os.link(path, folder / path.name)
            except OSError:
                shutil.copyfile(path, folder / path.name)
    return replace(candidate, video_encoder=folder / given[0].name, generator=folder / given[1].name)


def suite_validation(
    benchmark: Benchmark | PathLike,
    folder: PathLike,
    *,
    choices: Choices | None = None,
    subset: Subset | None = None,
    options: NativeOptions | None = None,
    variant: str = "small_16k",
    **further: Any,
) -> Validate:
    """Return what scores a candidate on a benchmark; whatever it will need is looked for now, not after hours.

    Args:
        benchmark: that is answered, or its directory.
        folder: where the runs are kept, `RUN/validation`.
        choices: how they are scored.
        subset: of the benchmark, by default its first.
        options: the model's own, such as its device; `checkpoint` for other parts than those that are trained.
        variant: of the generator that will be trained, which decides what turns its latents into sound.
        further: `limit`, `seed`, `cache`, `workers` and `keep_audio` of `SuiteValidation`.

    Raises:
        ValueError: a subset that the benchmark does not have, or a limit below 1.
        foundation.checkpoints.MissingCheckpoint: weights of the model's other parts, or of the profile, are missing.
    """
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    chosen = subset or built.subsets[0]
    if chosen not in built.subsets:
        raise ValueError(f"subset: {built.path} has {joined(built.subsets, 'and')}, not {chosen!r}")
    if (limit := further.get("limit")) is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}")
    given, scored_by = options or NativeOptions(), choices or Choices()
    _check_weights(given, scored_by, variant)
    return SuiteValidation(built, chosen, Path(folder), scored_by, given, **further)


def _check_weights(options: NativeOptions, choices: Choices, variant: str) -> None:
    from baselines.mmaudio.weights import WeightSource
    from baselines.selva.model import DEFAULT_SUP_TOKENS, checkpoint_names
    from benchmark.profiles import load_profile

    names = checkpoint_names(variant, DEFAULT_SUP_TOKENS)
    source = WeightSource(names, options, needed_by="a validation")
    source.require(part for part in names if part not in TRAINED)
    load_profile(choices.profile, extended=choices.extended, metrics=choices.metrics, **_of_weights(options))


def _unusual(choices: Choices, options: NativeOptions) -> dict[str, str]:
    """Return what else moves a score, where it is not the usual; of a file its hash, wherever it lies."""
    usual = vars(Choices())
    chosen = {name: value for name, value in vars(choices).items() if name not in _UNTOLD_CHOICES}
    found = {
        name: ", ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in chosen.items()
        if value != usual[name]
    }
    given = {name: value for name, value in options.items() if name not in _UNTOLD_OPTIONS}
    found |= {name: str(value) for name, value in given.items() if value is not None and value is not False}
    return found | {part: digests(Path(path)).sha256[:12] for part, path in (options.get("checkpoint") or {}).items()}


def _of_weights(options: NativeOptions) -> WeightOptions:
    """Return those of a model's options that a profile takes, too."""
    given: Mapping[str, Any] = options
    found: Any = {key: given[key] for key in WeightOptions.__annotations__ if key in given}
    return found  # type: ignore[no-any-return]


def _read(place: Path) -> ValidationRecord | None:
    """Return the record of a validation; None where there is none that can be read."""
    try:
        return ValidationRecord.model_validate_json(read_bounded(place / "validation.json"))
    except (FileNotFoundError, ValidationError):
        return None


def _write(place: Path, record: ValidationRecord) -> None:
    place.mkdir(parents=True, exist_ok=True)
    write_text(place / "validation.json", record.model_dump_json(indent=2) + "\n")


def _free_memory() -> None:
    """Give back what the model and the profile's networks took on a GPU: the training needs it."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
