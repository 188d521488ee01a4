"""The loop that both stages share: steps of the optimiser, and what is kept and measured on the way.

Mixed precision, accumulation, several processes and their GPUs, and the states of a run are Hugging Face accelerate's.
A step that is done is never half in a checkpoint: a run that is stopped at any moment goes on from the last one and
draws what it would have drawn.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from baselines.selva.training import ema, schedule
from baselines.selva.training.batches import Batch, TrainingBatches, ValidationBatches
from baselines.selva.training.checkpoints import Checkpoints
from baselines.selva.training.curve import GRADIENT_NORM, LEARNING_RATE, LOSS, SCORE, SECONDS, VALIDATION_LOSS
from baselines.selva.training.logbook import Logbook
from baselines.selva.training.processes import everywhere, of_the_first
from baselines.selva.training.reading import Again, ReadingFailed, read
from baselines.selva.training.recipe import Averages, Recipe, Stage
from baselines.selva.training.run_folder import RunFolder, StageName
from baselines.selva.training.stages import trained_parameters
from baselines.selva.training.states import States
from baselines.selva.training.steps import EncoderStep, GeneratorStep
from baselines.selva.training.stopping import Request, heeded
from baselines.selva.training.store import StoreError
from baselines.selva.training.validation import held_out_loss

_TOLD_EVERY = 60.0  # seconds: how often it is said how far a stage is

Score = Callable[[int], Mapping[str, float]]


class LossNotFinite(Exception):
    """A step whose loss or gradient is no number; says which clips were in it."""


@dataclass(frozen=True)
class Course:
    """What a stage does.

    Attributes:
        stage: which of the two.
        recipe: of the run.
        step: from a batch to its losses.
        training: batches by number, for this process.
        held_out: batches for the validation loss.
        checkpoints: of the stage.
        run: where everything is kept.
    """

    stage: StageName
    recipe: Recipe
    step: EncoderStep | GeneratorStep
    training: TrainingBatches
    held_out: ValidationBatches
    checkpoints: Checkpoints
    run: RunFolder

    @property
    def settings(self) -> Stage:
        """The stage's part of the recipe."""
        return self.recipe.stage(self.stage)


@dataclass(frozen=True)
class Manner:
    """How the work is done; none of it changes a result by more than rounding.

    Attributes:
        workers: processes that read batches ahead; 0 reads them in this one.
        micro_batch: clips that go through the networks at once, an even number; None: all that a process has.
        score: measures the suite's scores at a step.
        score_every: steps between them; 0 for never.
        scoring: id of how they are measured, if that is known.
        stop_after: steps after which the stage is left, saved and unfinished.
        report: takes lines about how the work goes.
    """

    workers: int = 0
    micro_batch: int | None = None
    score: Score | None = None
    score_every: int = 0
    scoring: str | None = None
    stop_after: int | None = None
    report: Callable[[str], None] = print


@dataclass(frozen=True)
class Ran:
    """What came of a call.

    Attributes:
        steps: that were done.
        finished: nothing of the stage is left to do.
    """

    steps: int
    finished: bool


class Loop:
    """One stage of a run, from where it stands to its end."""

    def __init__(self, accelerator: Any, course: Course, manner: Manner) -> None:
        """Bring networks and optimiser to the device.

        Args:
            accelerator: `accelerate.Accelerator`, made by `accelerator_for`.
            course: what the stage does.
            manner: how.
        """
        self._accelerator, self._course, self._manner = accelerator, course, manner
        settings, step = course.settings, course.step
        step.to(accelerator.device)
        step.helpers_to(accelerator.device)
        self._trained = dict(zip(step.trained, trained_parameters(step.network, step.trained), strict=True))
        optimiser = schedule.optimiser(
            list(self._trained.values()),
            settings.learning_rate,
            betas=settings.betas,
            epsilon=settings.epsilon,
            weight_decay=settings.weight_decay,
        )
        rises = LambdaLR(
            optimiser,
            partial(
                schedule.learning_rate_factor,
                warmup=settings.warmup,
                after_warmup=settings.after_warmup,
                steps=settings.steps,
            ),
        )
        self._model, self._optimiser, self._rate = accelerator.prepare(step, optimiser, rises)
        averages: Averages = course.recipe.averages
        folder = course.run.stage(course.stage)
        self._averages: Any = None
        if accelerator.is_main_process:  # the others have the same weights
            self._averages = ema.track(step.network, folder.snapshots, widths=averages.widths, every=averages.every)
        self._states = States(accelerator, course.checkpoints, self._trained, self._averages)
        shared_out = range(accelerator.process_index, len(course.held_out), accelerator.num_processes)
        self._held_out = Again(course.held_out, shared_out, workers=manner.workers, device=accelerator.device)
        self._log: Logbook | None = None

    def run(self) -> Ran:
        """Train from the last checkpoint on.

        Raises:
            LossNotFinite: a loss or gradient is no number; the last checkpoint stays.
            StoreError: a clip cannot be read; all steps that were done are saved.
            WriteFailed: the disk is full; the last checkpoint stays.
        """
        began, end = self._states.resume(), self._course.settings.steps
        done = began
        last = end if self._manner.stop_after is None else min(end, done + self._manner.stop_after)
        with ExitStack() as stack:
            stack.callback(self._held_out.close)
            if self._accelerator.is_main_process:
                self._log = stack.enter_context(Logbook(self._course.run.stage(self._course.stage), done))
            if done:
                self._tell(f"goes on from step {done} of {end}")
                self._note(done)  # a process may have been killed between its checkpoint and this
            self._make_up(done)
            request = stack.enter_context(heeded())
            before = told = time.monotonic()
            workers, device = self._manner.workers, self._accelerator.device
            batches = read(self._course.training, range(done, last), workers=workers, device=device)
            for found in stack.enter_context(closing(batches)):
                batch = self._heeded(done, found, request)
                values = self._descend(done, batch)
                done += 1
                now = time.monotonic()
                self._row(done, {**values, SECONDS: now - before})
                if now - told > _TOLD_EVERY:
                    self._tell(f"step {done} of {end}: loss {values[LOSS]:.6g}, {now - before:.3g} s a step")
                    told = now
                self._keep(done, last)
                if self._scores_due(done):
                    with request.not_held_back():  # all that was done is saved
                        self._score(done)
                before = time.monotonic()
            if done == end:  # and nothing of it is left to be measured
                self._note(done, finished=True)
        request.pass_on()  # asked during the last step
        return Ran(done - began, done == end)

    def _keep(self, done: int, last: int) -> None:
        """Do what is due after a step: the validation loss, a checkpoint."""
        recipe, end = self._course.recipe, self._course.settings.steps
        if done == end and self._averages is not None and done % recipe.averages.every:
            self._averages.snapshot()  # what is exported is of the last step, wherever that lies
        if self._validation_due(done):
            self._validate(done)
        if done % recipe.checkpoint_every == 0 or done == last or self._scores_due(done):
            self._save(done)

    def _make_up(self, done: int) -> None:
        """Measure what is due at the step that the stage goes on from, unless that was done before it was stopped."""
        missing = self._log is not None and not self._log.has(done, VALIDATION_LOSS)
        if self._validation_due(done) and of_the_first(self._accelerator, missing):
            self._validate(done)
        if done and self._scores_due(done):
            self._score(done)

    def _descend(self, done: int, batch: Batch) -> dict[str, float]:
        """Do one step of the optimiser; return what was measured at it."""
        accelerator = self._accelerator
        clips, parts = len(batch.ids), accelerator.gradient_accumulation_steps
        ids: list[str] = []
        losses = []
        norm = torch.zeros(())
        for part in batch.parts(clips // parts):
            with accelerator.accumulate(self._model):
                each = self._model(part)
                ids += part.ids
                losses.append(each.detach().float())
                accelerator.backward(each.mean())  # divided by the number of parts, which are of one size
                if accelerator.sync_gradients:
                    norm = accelerator.clip_grad_norm_(list(self._trained.values()), self._course.settings.clip)
                    loss = self._checked(done + 1, ids, torch.cat(losses), norm)
                    self._optimiser.step()
                    self._optimiser.zero_grad()
        rate = self._rate.get_last_lr()[0]
        self._rate.step()
        if self._averages is not None:
            self._averages.update()
        return {LOSS: loss, GRADIENT_NORM: float(norm), LEARNING_RATE: rate}

    def _checked(self, step: int, ids: list[str], losses: Tensor, norm: Tensor) -> float:
        """Return the mean loss over all processes.

        Raises:
            LossNotFinite: it is no number, or the gradient's norm is not, before any weight has moved.
        """
        loss = float(self._accelerator.gather(losses).cpu().double().mean())
        if torch.isfinite(torch.tensor([loss, float(norm)])).all():
            return loss
        own = [(name, float(value)) for name, value in zip(ids, losses, strict=True)]
        each = everywhere(self._accelerator, own)
        odd = [name for name, value in each if not torch.isfinite(torch.tensor(value))]
        what = f"the loss of {', '.join(odd)}" if odd else f"the gradient of {', '.join(name for name, _ in each)}"
        stays = f"the checkpoint of step {self._states.saved} stays" if self._states.saved else "no step is saved yet"
        raise LossNotFinite(
            f"{self._course.stage}, step {step}: {what} is no finite number; no weight has moved by it, and {stays}. "
            "Look at these clips, or begin another run with a lower learning rate"
        )

    def _validate(self, done: int) -> None:
        """Measure the loss on the held-out batches, which are shared out among the processes.

        Raises:
            StoreError: a clip cannot be read; all steps that were done are saved.
            ReadingFailed: nor can others.
        """
        course = self._course
        try:
            loss = held_out_loss(self._accelerator, course.step, self._held_out, self._manner.micro_batch)
        except (StoreError, ReadingFailed):
            self._save(done)
            raise
        self._row(done, {VALIDATION_LOSS: loss})
        self._tell(f"step {done} of {course.settings.steps}: validation loss {loss:.6g}")

    def _validation_due(self, done: int) -> bool:
        return done % self._course.recipe.validate_every == 0 or done == self._course.settings.steps

    def _scores_due(self, done: int) -> bool:
        return self._manner.score is not None and self._manner.score_every > 0 and done % self._manner.score_every == 0

    def _score(self, done: int) -> None:
        """Measure the suite's scores of a step, unless a run that was stopped did so already."""
        if self._manner.score is not None and self._log is not None and not self._log.has(done, SCORE):
            self._tell(f"step {done}: scores are measured")
            scores = self._manner.score(done)
            self._row(done, {f"{SCORE}{name}": value for name, value in scores.items()}, self._manner.scoring)
            self._tell(f"step {done}: {', '.join(f'{name} {value:.4g}' for name, value in scores.items())}")
        self._accelerator.wait_for_everyone()

    def _heeded(self, done: int, batch: Batch | StoreError | ReadingFailed, request: Request) -> Batch:
        """Return the batch; save and leave where any process was asked to end, or met a clip that cannot be read.

        Raises:
            KeyboardInterrupt: or whatever a signal does.
            StoreError: the clip.
            ReadingFailed: the processes that read cannot go on.
        """
        if request.number or not isinstance(batch, Batch):
            self._accelerator.set_trigger()
        if not self._accelerator.check_trigger() and isinstance(batch, Batch):
            return batch
        self._save(done)
        numbers = everywhere(self._accelerator, [request.number] if request.number else [])
        errors = everywhere(self._accelerator, [] if isinstance(batch, Batch) else [batch])
        if not numbers:
            raise errors[0]
        request.number = max(numbers)
        self._tell(f"asked to end by {signal.Signals(request.number).name}; step {done} is saved")
        request.pass_on()
        raise KeyboardInterrupt  # the signal is heeded by somebody who lets the program go on

    def _save(self, done: int) -> None:
        """Write the checkpoint of a step, and into the run's record how far it is."""
        if self._log is not None:
            self._log.flush()  # what a checkpoint is of is not measured again
        self._states.save(done)
        self._note(done)

    def _note(self, done: int, *, finished: bool = False) -> None:
        if self._accelerator.is_main_process:
            self._course.run.note(self._course.stage, done, finished=finished)

    def _row(self, step: int, values: Mapping[str, float], scoring: str | None = None) -> None:
        if self._log is not None:
            self._log.row(step, values, scoring=scoring)

    def _tell(self, line: str) -> None:
        if self._accelerator.is_main_process:
            self._manner.report(f"{self._course.stage}: {line}")
