"""What MMAudio and SELVA do alike with their requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from baselines.generator import GenerationError, Request, Waveform
from baselines.mmaudio.lengths import SEGMENT_FRAMES, SYNC_FPS, Lengths, lengths_for
from baselines.mmaudio.synthesis import Synthesiser
from foundation.media import MediaError


class BatchModel(ABC):
    """A `Generator` that answers requests of one duration together; a subclass says how, in `_answer`.

    Attributes:
        shortest_seconds: the least that can be asked for, known before any weights are opened.
    """

    shortest_seconds = SEGMENT_FRAMES / SYNC_FPS
    _synthesiser: Synthesiser

    @property
    def sample_rate(self) -> int:
        """Rate of every waveform, in Hz."""
        return self._synthesiser.audio.sample_rate

    def generate(self, request: Request) -> Waveform:
        """Return the sound of a video: float32 (round(duration * sample_rate),), within [-1, 1].

        The noise is drawn from `request.seed` alone. A negative prompt replaces the empty text in the guidance.

        Raises:
            GenerationError: the video cannot be read or is shorter than the duration, or the duration is shorter
                than 0.64 s.
        """
        return self.generate_batch([request])[0]

    def generate_batch(self, requests: Sequence[Request]) -> list[Waveform]:
        """Return what `generate` would return for each request, in order, faster.

        Raises:
            GenerationError: as `generate`, for the first request that has no answer.
        """
        answers: dict[int, Waveform] = {}
        for duration in dict.fromkeys(request.duration for request in requests):
            chosen = [i for i, request in enumerate(requests) if request.duration == duration]
            group = [requests[i] for i in chosen]
            try:
                lengths = lengths_for(duration, self._synthesiser.audio)
            except ValueError as error:
                raise GenerationError(f"{group[0].sample_id}: {error}") from error
            answers.update(zip(chosen, self._answer(group, lengths), strict=True))
        return [answers[i] for i in range(len(requests))]

    @abstractmethod
    def _answer(self, requests: Sequence[Request], lengths: Lengths) -> Sequence[Waveform]:
        """Return one waveform per request; all are of the same lengths."""


@contextmanager
def naming_sample(request: Request) -> Iterator[None]:
    """Turn a file that cannot be read as asked into a sample that has no answer.

    Raises:
        GenerationError: in place of a `MediaError`; names the sample.
    """
    try:
        yield
    except MediaError as error:
        raise GenerationError(f"{request.sample_id}: {error}") from error
