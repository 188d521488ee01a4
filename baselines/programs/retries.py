"""Asking a program that may die: what one start answered, and another start for what it left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from baselines.generator import GenerationError, Request, Waveform

log = logging.getLogger(__name__)

Answer = Waveform | tuple[Waveform, int] | GenerationError
GIVE_UP_AFTER = 2  # samples blamed in a row before anything came out: the program is broken, not the samples


@dataclass(frozen=True)
class Attempt:
    """What one start of a program came to: answers by sample id, and why it ended early, if it did."""

    answers: dict[str, Answer]
    crash: str = ""


def answer_with_retries(requests: Sequence[Request], attempt: Callable[[Sequence[Request]], Attempt]) -> list[Answer]:
    """Return one answer or failure per request; a program that dies is started again with what it left.

    The first death costs nothing: what is left is asked once more. If the program dies again at the same sample, that
    sample has failed, and the others go on. A program that dies on sample after sample before it has answered
    anything is broken, and the rest of the batch is not tried.

    Args:
        requests: of distinct samples, in the order that the program takes them.
        attempt: starts the program once for some of them; a sample without an answer in it was not finished.
    """
    answers: dict[str, Answer] = {}
    waiting, suspect, blamed, any_answer = list(requests), "", 0, False
    while waiting:
        outcome = attempt(waiting)
        answers |= outcome.answers
        any_answer = any_answer or bool(outcome.answers)
        waiting = [request for request in waiting if request.sample_id not in answers]
        if not outcome.crash:
            reason = "the program ended well but left no answer"
            answers |= {request.sample_id: GenerationError(reason) for request in waiting}
            break
        if waiting and waiting[0].sample_id == suspect:
            answers[suspect] = GenerationError(f"{outcome.crash}; tried twice")
            waiting, blamed = waiting[1:], blamed + 1
            if waiting and blamed >= GIVE_UP_AFTER and not any_answer:
                hint = "it answered nothing, the rest of the batch was not tried (--batch-size 1 asks each alone)"
                reason = f"{outcome.crash}; {hint}"
                answers |= {request.sample_id: GenerationError(reason) for request in waiting}
                break
        elif waiting:
            suspect = waiting[0].sample_id
            log.warning("%s; it is started again for %d of %d samples", outcome.crash, len(waiting), len(requests))
    return [answers[request.sample_id] for request in requests]


def only_answer(answers: Sequence[Answer]) -> Waveform | tuple[Waveform, int]:
    """Return the answer to a single request.

    Raises:
        GenerationError: it is a failure.
    """
    (answer,) = answers
    if isinstance(answer, GenerationError):
        raise answer
    return answer
