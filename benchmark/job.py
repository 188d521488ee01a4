"""One model on one subset, as asked for: what identifies it, what it is asked, and how it is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from baselines import (
    PAIRED_CONTROLS,
    TARGET_CONTROLS,
    Generator,
    ModelEntry,
    Reference,
    Request,
    get_model,
    load_model,
    option_names,
)
from baselines.options import precision_of
from baselines.own import typed_in
from baselines.programs.settings import HARMLESS_SETTINGS, read_settings
from baselines.registry import OwnModel, check_duration, class_of
from benchmark.runs import (
    AnyModelRecord,
    BenchmarkRecord,
    ControlRecord,
    CountsRecord,
    FailureRecord,
    ModelRecord,
    OwnModelRecord,
    RunDirectory,
    RunRecord,
    SettingsRecord,
    TrainedModelRecord,
    current_commit,
    current_environment,
)
from foundation.devices import Precision, chosen_device
from foundation.disk import check_file, check_room
from foundation.files import fingerprint
from foundation.media import FRAME_RULE
from foundation.records import escaped
from vgg_monoaudio.dataset import Benchmark, Sample, Subset

LOWEST_RATE = 8_000  # Hz of an answer whose rate is not known beforehand: what it takes on the disk at least
PCM_BYTES = 2


@dataclass(frozen=True)
class Job:
    """One model on one subset, as asked for.

    Attributes:
        benchmark: a built benchmark.
        subset: one of its subsets.
        samples: those that are asked for.
        model: a registered name, or the address of a class.
        options: the user's own.
        seed: of the run.
        device: for models that have an option of that name; None lets the model choose.
        settings: what a settings file said of all this, for the record.
    """

    benchmark: Benchmark
    subset: Subset
    samples: list[Sample]
    model: str
    options: dict[str, Any]
    seed: int
    device: str | None
    settings: SettingsRecord | None = None

    @cached_property
    def entry(self) -> ModelEntry:
        """What is known of the model."""
        return get_model(self.model)

    @property
    def source_sha256(self) -> str | None:
        """Hash of the file that holds a model of the user's own; None for all others."""
        return self.entry.source_sha256 if isinstance(self.entry, OwnModel) else None

    @cached_property
    def code_sha256(self) -> str | None:
        """Hash of the file, script or notebook cell that holds a model of the user's own; None where not known."""
        target = self.entry.target
        return self.source_sha256 or (typed_in(target) if isinstance(target, type) else None)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that answers depend on, apart from weights; audio is reused under it."""
        content = {
            "benchmark": self.benchmark.fingerprint(self.subset),
            "model": self.entry.name,
            "revision": self.entry.revision,
            "options": {**self.entry.options, **self._sounding},
            "seed": self.seed,
            "duration": self.benchmark.duration_seconds,
        }
        if self.source_sha256 is not None:  # absent elsewhere: runs made before own files were known go on
            content["source_sha256"] = self.source_sha256
        return fingerprint(content)

    @property
    def _sounding(self) -> dict[str, Any]:
        """Options that can change an answer: not how long a program may take, or where its output is logged.

        How a native model computes is one of them whoever chose it; what a CPU does without being told is left out, so
        that runs made before there was a choice go on.
        """
        harmless = HARMLESS_SETTINGS if self.entry.program or self.entry.kind == "external" else ()
        options = {name: value for name, value in self.options.items() if name not in harmless}
        if self.precision is None:
            return options
        told = {name: value for name, value in options.items() if name not in {"precision", "dtype"}}
        return told if self.precision == "exact" and not self._on_gpu else {**told, "precision": self.precision}

    @cached_property
    def precision(self) -> Precision | None:
        """How a native model computes; None for a model that has no such choice, or another one of its own."""
        if not self.entry.place.startswith("baselines.") or "precision" not in option_names(self.entry):
            return None
        return precision_of(self._placed)

    @property
    def _placed(self) -> dict[str, Any]:
        """The model's options with its device, which those that are driven may have from models.toml."""
        options = {"device": self.device, **self.entry.options, **self.options}
        if options["device"] is None and self.entry.program:
            options["device"] = read_settings(self.entry.name, models_toml=options.get("models_toml")).device
        return options

    @property
    def _on_gpu(self) -> bool:
        """Whether float32 may be rounded: by a GPU that knows TF32."""
        return chosen_device(self._placed["device"]).type == "cuda"

    def request(self, sample: Sample) -> Request:
        """Return what a sample asks of the model."""
        return Request(
            sample_id=sample.sample_id,
            video=sample.video,
            prompt=sample.label,
            negative_prompt=sample.negative_prompt,
            duration=self.benchmark.duration_seconds,
            seed=sample_seed(self.seed, sample.sample_id),
        )

    def check_possible(self, directory: RunDirectory, todo: Sequence[Sample]) -> None:
        """Refuse, before a model is loaded, a length that it cannot make, and a place that cannot take its answers.

        Raises:
            ValueError: names the model, or the place.
        """
        seconds = self.benchmark.duration_seconds
        check_duration(self.entry, seconds)
        check_file(directory.audio(max((sample.sample_id for sample in todo), key=lambda name: len(name.encode()))))
        rate = getattr(class_of(self.entry), "sample_rate", None)
        known = rate if isinstance(rate, int) else LOWEST_RATE
        check_room(directory.path, len(todo) * seconds * known * PCM_BYTES, f"{len(todo)} answers of {self.entry.name}")

    def check_shown(self, samples: Sequence[Sample]) -> None:
        """Refuse to show a model scenes that are not those which were built, or a control other sounds.

        Raises:
            vgg_monoaudio.dataset.BenchmarkError: names the first.
        """
        sounds = [sound for s in samples for sound in (s.target_audio, s.paired_audio) if sound is not None]
        shown = [sample.video for sample in samples]
        self.benchmark.check_files([*shown, *(sounds if self.entry.needs_references else [])])

    def load(self) -> Generator:
        """Build the model: its own options, the references of a control, the device where it takes one."""
        options = dict(self.options)
        if self.entry.needs_references:
            options["references"] = references(self.benchmark.samples(self.subset))
        if self.device is not None and "device" in option_names(self.entry):
            options.setdefault("device", self.device)
        return load_model(self.model, **options)

    def begun(self, model: AnyModelRecord, previous: RunRecord | None) -> RunRecord:
        """Return the record of a run that begins or goes on."""
        return RunRecord(
            status="running",
            fingerprint=self.fingerprint,
            benchmark=BenchmarkRecord(
                name=self.benchmark.name,
                version=self.benchmark.version,
                subset=self.subset,
                fingerprint=self.benchmark.fingerprint(self.subset),
                samples=len(self.benchmark.manifests[self.subset]),
            ),
            model=model,
            seed=self.seed,
            precision=self.precision,
            duration_seconds=self.benchmark.duration_seconds,
            # Answers that are there already were made from frames of the rule that the run began with.
            frame_rule=FRAME_RULE if previous is None else previous.frame_rule,
            commit=current_commit(),
            environment=current_environment(self.device or "auto"),
            counts=CountsRecord(expected=len(self.benchmark.manifests[self.subset]), generated=0),
            failures=[],
            limit=self._limit(previous),
            started=_now() if previous is None else previous.started,
            settings=self.settings or (None if previous is None else previous.settings),
        )

    def _limit(self, previous: RunRecord | None) -> int | None:
        """Return how many of the first samples the run was asked for, all calls together; None: for all."""
        if len(self.samples) == len(self.benchmark.manifests[self.subset]):
            return None
        if previous is None:
            return len(self.samples)
        return None if previous.asked_for_all else max(len(self.samples), previous.limit or 0)

    def model_record(self, generator: Generator | None) -> AnyModelRecord:
        """Return how the model is configured, and which weights it opened.

        Raises:
            ValueError: its attribute `untrained` is not a truth value.
        """
        weights = _weights(generator)
        record = ModelRecord(
            name=self.entry.name,
            kind=self.entry.kind,
            options={**self.entry.options, **self.options},
            sample_rate=getattr(generator, "sample_rate", None),
            weights_sha256={part: file.sha256 for part, file in weights.items()},
            unverified_weights=not all(file.verified for file in weights.values()),
            untrained=_untrained(generator, self.entry.name),
            notes=_notes(generator),
        )
        if self.code_sha256 is not None:
            return OwnModelRecord(**record.model_dump(), source_sha256=self.code_sha256)
        if self.entry.kind == "control" and self.entry.revision:
            return ControlRecord(**record.model_dump(), definition=self.entry.revision)
        training = getattr(generator, "training_record", None)
        return record if training is None else TrainedModelRecord(**record.model_dump(), training=dict(training))


def _weights(generator: Generator | None) -> dict[str, Any]:
    """Return the files that a model opened, by part; an own model may call something else `weights`."""
    found = getattr(generator, "weights", {})
    items = found.items() if isinstance(found, Mapping) else ()
    return {str(part): file for part, file in items if hasattr(file, "sha256") and hasattr(file, "verified")}


def _untrained(generator: Generator | None, name: str) -> bool:
    value = getattr(generator, "untrained", False)
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"model {name!r}: untrained: expected True or False, got {value!r}")
    return bool(value)


def _notes(generator: Generator | None) -> list[str]:
    """Return a model's notes; one alone may be given without a list."""
    notes = getattr(generator, "notes", None) or []
    if isinstance(notes, str) or not isinstance(notes, Iterable):
        notes = [notes]
    return [str(note) for note in notes]


def sample_seed(seed: int, sample_id: str) -> int:
    """Return the seed of one sample, from 0 to 2^63 - 1; it depends on nothing but run seed and sample id."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sample_id}".encode()).digest()[:8], "big") >> 1


def lacking(control: str, samples: Sequence[Sample]) -> str:
    """Return what these samples lack for a control to answer them, "" where nothing; any other model needs nothing.

    Args:
        control: name of a model.
        samples: of one subset, which all have the same sounds.
    """
    if control in TARGET_CONTROLS and any(sample.target_audio is None for sample in samples):
        return "this benchmark has no reference sounds"
    if control in PAIRED_CONTROLS and any(sample.paired_audio is None for sample in samples):
        return "this benchmark has no paired clips"
    return ""


def references(samples: Sequence[Sample]) -> dict[str, Reference]:
    """Return what controls may know: the sounds of every sample's two clips."""
    return {s.sample_id: Reference(s.target_id, s.target_audio, s.paired_audio) for s in samples}


def finished(
    record: RunRecord,
    directory: RunDirectory,
    samples: Sequence[Sample],
    failures: Sequence[FailureRecord],
    spent: float,
    reason: str | None = None,
) -> RunRecord:
    """Return the record of a run that has come to its end, or was ended.

    Args:
        record: as it began.
        directory: where the answers are counted.
        samples: all of the subset.
        failures: those of this call, and those known before of samples that were not asked.
        spent: seconds in the model, all calls together.
        reason: why it was ended before it had come to its end; None where it had.
    """
    generated = sum(directory.audio(sample.sample_id).is_file() for sample in samples)
    counts = CountsRecord(expected=record.counts.expected, generated=generated)
    status = "finished" if reason is None else "failed"
    update = {"status": status, "counts": counts, "failures": list(failures), "finished": _now()}
    told = None if reason is None else escaped(reason)
    return record.model_copy(update={**update, "generation_seconds": round(spent, 3), "reason": told})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
