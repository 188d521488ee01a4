"""A training run of SELVA: both stages, one after the other, from prepared clips to a folder that holds the run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.mmaudio.native import NativeOptions
from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.training import ema
from baselines.selva.training.batches import TrainingBatches, ValidationBatches
from baselines.selva.training.candidates import Candidate, Scorer, Validate, scoring_of
from baselines.selva.training.checkpoints import Checkpoints
from baselines.selva.training.loop import Course, Loop, Manner, Ran
from baselines.selva.training.processes import accelerator_for, parts_of, processes_on
from baselines.selva.training.recipe import Recipe
from baselines.selva.training.run_folder import STAGES, RunFolder, StageName
from baselines.selva.training.run_record import Scoring
from baselines.selva.training.starting import Start
from baselines.selva.training.status import last_scores
from baselines.selva.training.steps import EncoderStep, GeneratorStep
from baselines.selva.training.store import SPLITS, Store
from foundation.devices import numerics
from foundation.files import PathLike, remove_partials

__all__ = ["Candidate", "Validate", "check_store", "train"]

log = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    store: Store,
    out: PathLike,
    *,
    stages: Sequence[StageName] = STAGES,
    video_encoder: Path | None = None,
    weights: NativeOptions | None = None,
    device: str | None = None,
    workers: int = 0,
    micro_batch: int | None = None,
    validate: Validate | None = None,
    validate_scores_every: int | None = None,
    stop_after: int | None = None,
    report: Callable[[str], None] = log.info,
) -> RunFolder:
    """Train SELVA, or go on where the same call was stopped; return the folder of the run.

    Several processes, one a GPU, work at one run where `accelerate launch` or `torchrun` starts them.

    Args:
        recipe: every constant.
        store: prepared clips.
        out: folder of the run.
        stages: which to train; one that is finished is not run again.
        video_encoder: a video encoder of one's own for the second stage, in place of the first stage.
        weights: where the files are that the networks start from; see `starting.Start`.
        device: what the networks run on; None: a GPU where there is one.
        workers: processes that read clips ahead, for each process that trains.
        micro_batch: clips that go through the networks at once; None: all that a process has of a batch.
        validate: measures the suite's scores of a candidate; an attribute `scoring`, if it has one, says how.
        validate_scores_every: steps between them.
        stop_after: steps of this call after which the run is left, saved and unfinished.
        report: takes lines about how the work goes.

    Raises:
        ValueError: recipe, store and options do not fit one another, or the folder holds another run.
        RunHeld: another process is at work on the run.
        foundation.checkpoints.MissingCheckpoint: a file that a network starts from is missing.
        LossNotFinite: a loss is no number; the last checkpoint stays.
        StoreError: a clip cannot be read; all steps that were done are saved.
        WriteFailed: the disk is full; the last checkpoint stays.
    """
    chosen, processes = _chosen(stages, video_encoder), processes_on(device)
    check_store(recipe, store)
    if (validate is None) != (not validate_scores_every):
        raise ValueError("validate and validate_scores_every: expected both or neither")
    for stage in chosen:
        _batches(store, recipe, stage, processes)
        parts_of(recipe.stage(stage).batch, processes.num_processes, micro_batch)
    run, start = RunFolder(Path(out)), Start(recipe, store, video_encoder=video_encoder, weights=weights)
    _check_encoder(run, recipe, chosen, video_encoder)
    start.require([*chosen, "generator"] if validate else chosen)
    manner = Manner(workers=workers, micro_batch=micro_batch, score_every=validate_scores_every or 0, report=report)
    with numerics("exact"), ExitStack() as stack:  # what bf16 leaves in float32 is too little to save time at
        if processes.is_main_process:
            stack.enter_context(run.hold())
            remove_partials(run.path, alone=True)
            _begin(run, start, store, processes, scoring_of(validate))
            if any(not run.read_record().stages[stage].finished for stage in chosen):
                _tell_of_other_scores(run, scoring_of(validate))
        processes.wait_for_everyone()
        for stage in chosen:
            if run.read_record().stages[stage].finished:
                continue
            ran = _train_stage(stage, run, start, store, processes, replace(manner, stop_after=stop_after), validate)
            stop_after = None if stop_after is None else stop_after - ran.steps
            if not ran.finished or stop_after == 0:
                break
    return run


def _chosen(stages: Sequence[StageName], video_encoder: Path | None) -> list[StageName]:
    """Return the stages in their order.

    Raises:
        ValueError: none, an unknown one, or the first alone although a file takes its place.
    """
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise ValueError(f"stages: expected some of {', '.join(STAGES)}, got {unknown[0]!r}")
    chosen = [stage for stage in STAGES if stage in stages and not (stage == "encoder" and video_encoder)]
    if not chosen:
        raise ValueError(
            "stages: expected at least one"
            + ("; with a video encoder of your own that is the generator" if video_encoder else "")
        )
    return chosen


def check_store(recipe: Recipe, store: Store) -> None:
    """Refuse a store that a recipe cannot be trained on, before any network is loaded.

    Raises:
        ValueError: clips of another length, or no latents of the generator's rate.
    """
    if store.record.seconds != recipe.seconds:
        raise ValueError(
            f"{store.path}: holds clips of {store.record.seconds:g} s, and recipe {recipe.name} is for "
            f"{recipe.seconds:g} s; prepare another store, or change seconds in the recipe"
        )
    rate = VARIANTS[recipe.generator.variant].rate
    if rate not in store.record.rates:
        raise ValueError(
            f"{store.path}: holds latents of {', '.join(store.record.rates)}, recipe {recipe.name} trains a "
            f"{recipe.generator.variant}; prepare a store with --rate {rate}"
        )


def _check_encoder(run: RunFolder, recipe: Recipe, chosen: Sequence[StageName], video_encoder: Path | None) -> None:
    """Refuse to train a generator that would have no encoder to look through, or one that is to learn further."""
    if "encoder" in chosen or video_encoder is not None:
        return
    encoder = run.read_record().stages["encoder"] if run.record_path.is_file() else None
    if encoder is None or not encoder.finished or encoder.step < recipe.encoder.steps:
        raise ValueError(
            f"{run.path}: the generator stage needs a finished encoder stage; train both, or give a video encoder "
            "of your own"
        )


def _batches(
    store: Store, recipe: Recipe, stage: StageName, processes: Any
) -> tuple[TrainingBatches, ValidationBatches]:
    rank, world = processes.process_index, processes.num_processes
    return TrainingBatches(store, recipe, stage, rank=rank, world=world), ValidationBatches(store, recipe, stage)


def _begin(run: RunFolder, start: Start, store: Store, processes: Any, scoring: Scoring | None) -> None:
    """Write into the run's folder what it starts with, or refuse what it was not started with."""
    RunFolder.begun(
        run.path,
        start.recipe,
        store.fingerprint,
        start.source.files,
        store=store.path,
        clips={split: len(store.clips(split)) for split in SPLITS},
        untrained=start.untrained,
        device=str(processes.device),
        processes=processes.num_processes,
        scoring=scoring,
    )


def _tell_of_other_scores(run: RunFolder, scoring: Scoring | None) -> None:
    """Warn where a run that goes on is scored otherwise than before; of what does not say how it scores none can."""
    if scoring is None:
        return
    measured = [last_scores(run.stage(stage).curve.read()) for stage in STAGES]
    scored = [one for one in measured if one is not None]
    if not scored or scored[-1].scoring == scoring.id:
        return
    before = run.read_record().scorings.get(scored[-1].scoring or "")
    log.warning(
        "%s: from here on it is scored on %s; its scores so far %s; they do not compare, and curves show them apart",
        run.path,
        scoring.line(),
        "do not say how they were measured" if before is None else f"are of {before.line()}",
    )


def _train_stage(
    stage: StageName,
    run: RunFolder,
    start: Start,
    store: Store,
    processes: Any,
    manner: Manner,
    validate: Validate | None,
) -> Ran:
    """Train one stage; its networks are gone when the next one begins."""
    recipe, step = start.recipe, _step(stage, run, start)
    checkpoints = Checkpoints(run.stage(stage).checkpoints, stage, recipe, store.fingerprint)
    course = Course(stage, recipe, step, *_batches(store, recipe, stage, processes), checkpoints, run)
    if validate is not None:
        scoring = scoring_of(validate)
        scorer = Scorer(stage, step, start, run.path, validate)
        manner = replace(manner, score=scorer, scoring=None if scoring is None else scoring.id)
    accelerator = accelerator_for(processes, recipe.stage(stage).batch, recipe.precision, manner.micro_batch)
    ran = Loop(accelerator, course, manner).run()
    accelerator.free_memory()
    return ran


def _step(stage: StageName, run: RunFolder, start: Start) -> EncoderStep | GeneratorStep:
    """Load the networks of a stage."""
    recipe = start.recipe
    if stage == "encoder":
        teacher = start.teacher()
        chosen = recipe.encoder
        return EncoderStep(start.encoder(teacher), teacher, loss=chosen.loss, normalised=chosen.mixing.normalised)
    averages = None
    if not start.has_own_encoder:
        averages = ema.synthesize(run.stage("encoder").snapshots, recipe.averages.export_width)
    lengths = lengths_for(recipe.seconds, FORMATS[VARIANTS[recipe.generator.variant].rate])
    settings = recipe.generator
    return GeneratorStep(
        start.generator(),
        start.finished_encoder(averages),
        lengths,
        target=settings.target,
        normalised=settings.mixing.normalised,
    )
