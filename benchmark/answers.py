"""Asking a model and checking what it answers: what it raises or gets wrong costs one sample, not the run."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import numpy as np

from baselines import GenerationError, Generator, Request, Waveform
from foundation import media

log = logging.getLogger(__name__)

Answer = Waveform | tuple[Waveform, int] | GenerationError


def answers_to(generator: Generator, requests: list[Request]) -> Iterator[Answer]:
    """Yield an answer or a failure per request, in order.

    Several requests are asked for at once, and one by one where that fails, so that a bad sample costs itself alone.

    Args:
        generator: the model; with more than one request it must have `generate_batch`.
        requests: of one batch.
    """
    if len(requests) > 1:
        try:
            answers: list[Answer] = list(generator.generate_batch(requests))  # type: ignore[attr-defined]
            if len(answers) != len(requests):
                raise GenerationError(f"{len(answers)} answers to {len(requests)} requests")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("a batch of %d failed (%s); its samples are asked one by one", len(requests), _named(error))
        else:
            yield from answers
            return
    for request in requests:
        try:
            answer: Answer = generator.generate(request)
        except GenerationError as error:
            answer = error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # foreign code: whatever it raises is this sample's failure, not the night's
            log.warning("sample %s: %s\n%s", request.sample_id, _named(error), traceback.format_exc())
            answer = GenerationError(_named(error))
        yield answer


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
        raise GenerationError(f"the answer is not an array: {_named(error)}") from error
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


def _named(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # foreign code again
        said = "(its message cannot be read)"
    return f"{type(error).__name__}: {said}"
