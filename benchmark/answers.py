"""Asking a model and checking what it answers: what it raises or gets wrong costs one sample, not the run."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines import GenerationError, Generator, Prepared, Request, Waveform
from foundation import media
from foundation.events import span

log = logging.getLogger(__name__)

Answer = Waveform | tuple[Waveform, int] | GenerationError


@dataclass(frozen=True)
class Batch:
    """Requests that a model is given together.

    Attributes:
        requests: of the batch.
        prepared: what the model's `prepare` made of each, or why it has nothing; None: it has no such hook.
    """

    requests: list[Request]
    prepared: list[Prepared | GenerationError] | None = None


@dataclass
class BatchSize:
    """How many requests a model is given together; less once so many did not fit the GPU's memory.

    Attributes:
        now: at least 1.
    """

    now: int = 1


def answers_to(
    generator: Generator,
    requests: Sequence[Request],
    prepared: Sequence[Prepared | GenerationError] | None = None,
    size: BatchSize | None = None,
) -> Iterator[Answer]:
    """Yield an answer or a failure per request, in order.

    Several requests are asked for at once, and one by one where that fails, so that a bad sample costs itself alone;
    where it fails for want of GPU memory they are asked for in halves, and further batches are smaller.

    Args:
        generator: the model; with more than one request it must have `generate_batch`, with what was prepared
            `generate_prepared`.
        requests: of one batch.
        prepared: what the model's `prepare` made of each, or why it has nothing; None: it has no such hook.
        size: of batches to come.
    """
    ready = prepared if prepared is not None else [None] * len(requests)
    lost = [one if isinstance(one, GenerationError) else None for one in ready]
    kept = [place for place, failure in enumerate(lost) if failure is None]
    parts: list[Any] = [ready[place] for place in kept]
    answers = _asked(generator, [requests[place] for place in kept], parts, size or BatchSize())
    for failure in lost:
        yield next(answers) if failure is None else failure


def _asked(
    generator: Generator, requests: Sequence[Request], prepared: Sequence[Prepared | None], size: BatchSize
) -> Iterator[Answer]:
    if len(requests) > 1:
        found = _together(generator, requests, prepared)
        if isinstance(found, list):
            yield from found
            return
        if found is _TOO_LARGE:
            half = -(-len(requests) // 2)
            size.now = min(size.now, half)
            log.warning("a batch of %d does not fit the GPU's memory; from now on %d", len(requests), size.now)
            yield from _asked(generator, requests[:half], prepared[:half], size)
            yield from _asked(generator, requests[half:], prepared[half:], size)
            return
    for request, part in zip(requests, prepared, strict=True):
        yield _alone(generator, request, part)


_FAILED, _TOO_LARGE = object(), object()


def _together(generator: Any, requests: Sequence[Request], prepared: Sequence[Prepared | None]) -> object:
    """Return the list of answers to several requests, or what became of it."""
    try:
        with span("generate", (request.sample_id for request in requests)):
            if prepared[0] is None:
                answers = list(generator.generate_batch(list(requests)))
            else:
                answers = list(generator.generate_prepared(list(requests), list(prepared)))
        if len(answers) != len(requests):
            raise GenerationError(f"{len(answers)} answers to {len(requests)} requests")
        return answers
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if type(error).__name__ == "OutOfMemoryError":  # torch's
            return _TOO_LARGE
        log.warning("a batch of %d failed (%s); its samples are asked one by one", len(requests), named(error))
        return _FAILED


def _alone(generator: Any, request: Request, prepared: Prepared | None) -> Answer:
    try:
        with span("generate", (request.sample_id,)):
            if prepared is None:
                answer: Answer = generator.generate(request)
            else:
                answers = list(generator.generate_prepared([request], [prepared]))
                if len(answers) != 1:
                    raise GenerationError(f"{len(answers)} answers to 1 request")
                answer = answers[0]
        return answer
    except GenerationError as error:
        return error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # foreign code: whatever it raises is this sample's failure, not the night's
        log.warning("sample %s: %s\n%s", request.sample_id, named(error), traceback.format_exc())
        return GenerationError(named(error))


def checked(answer: Answer, sample_rate: int | None, duration: float) -> tuple[Waveform, int]:
    """Return an answer's waveform, float32 (round(duration * rate),), and its rate in Hz.

    Args:
        answer: what the model returned, whatever that is.
        sample_rate: the model's, for an answer without a rate of its own.
        duration: seconds asked for.

    Raises:
        GenerationError: the answer is a failure, or not a finite mono waveform of that length at full scale 1; says
            what it is.
    """
    if isinstance(answer, GenerationError):
        raise answer
    waveform, rate = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, sample_rate)
    if not isinstance(rate, int | np.integer) or rate <= 0:
        raise GenerationError(f"the model's sample rate is {rate!r}; expected Hz, as an attribute or with the waveform")
    try:
        sound = np.asarray(waveform)
    except Exception as error:  # torch refuses tensors of a GPU or with a gradient; other code whatever it likes
        raise GenerationError(f"the answer is not an array: {named(error)}") from error
    if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
        raise GenerationError(f"the answer is {sound.dtype} {sound.shape}, expected floats (samples,)")
    wanted = round(duration * rate)
    if sound.size != wanted:
        raise GenerationError(f"the answer has {sound.size} samples, expected {wanted} ({duration:g} s at {rate} Hz)")
    if not np.isfinite(sound).all():
        raise GenerationError(f"sample {int(np.argmin(np.isfinite(sound)))} of the waveform is not finite")
    if fault := media.scale_fault(sound):
        raise GenerationError(f"the answer is not a waveform: {fault}")
    return sound.astype(np.float32, copy=False), int(rate)


def named(error: BaseException) -> str:
    """Return an exception's class and message, whatever its message does."""
    try:
        said = str(error)
    except Exception:  # foreign code again
        said = "(its message cannot be read)"
    return f"{type(error).__name__}: {said}"
