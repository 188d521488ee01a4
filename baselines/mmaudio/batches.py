"""What MMAudio and SELVA do alike with their requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from baselines.generator import GenerationError, Prepared, Request, Waveform
from baselines.mmaudio import frames
from baselines.mmaudio.feature_store import FeatureStore
from baselines.mmaudio.lengths import SEGMENT_FRAMES, SYNC_FPS, Lengths, lengths_for
from baselines.mmaudio.synthesis import Settings, Synthesiser
from foundation.devices import free_bytes, numerics
from foundation.media import FrameRequest, MediaError

VIDEOS_AT_ONCE = 4  # whose frames are floats at one time: four times as large as the bytes they come as
LARGEST_BATCH = 32
BYTES_PER_SECOND = 100 << 20  # of sound in a batch, in float32, estimated: tokens of the trunk twice, latents


@dataclass(frozen=True)
class FramePreparation:
    """What a model wants of a video, decoded: travels to worker processes, and needs no network there.

    Attributes:
        streams: name to the frames wanted.
        repeat_last: how many frames at the end of a video may be missing.
    """

    streams: Mapping[str, FrameRequest]
    repeat_last: int

    def __call__(self, request: Request) -> dict[str, Any]:
        """Return each stream of the request's video, uint8 (frames, 3, height, width), from one decode pass.

        Raises:
            GenerationError: the video cannot be read or is shorter than the duration.
        """
        with naming_sample(request):
            wanted = list(self.streams.values())
            read = frames.read_frames(request.video, wanted, request.duration, repeat_last=self.repeat_last)
            return {name: stream.numpy() for name, stream in zip(self.streams, read, strict=True)}


class BatchModel(ABC):
    """A `Generator` that answers requests of one duration together; a subclass says how, in `_answer`.

    Attributes:
        shortest_seconds: the least that can be asked for, known before any weights are opened.
        prepare: decodes what the networks see; needs none of them.
    """

    shortest_seconds = SEGMENT_FRAMES / SYNC_FPS
    prepare: FramePreparation
    _settings: Settings
    _store: FeatureStore
    _synthesiser: Synthesiser

    @property
    def sample_rate(self) -> int:
        """Rate of every waveform, in Hz."""
        return self._synthesiser.audio.sample_rate

    @property
    def synthesiser(self) -> Synthesiser:
        """The half that makes waveforms of features."""
        return self._synthesiser

    @property
    def device(self) -> torch.device:
        """Where the networks are, and prepared frames are wanted."""
        return self._settings.device

    def needs_preparing(self, request: Request) -> bool:
        """Tell whether a request's video must be decoded: not where its features are kept.

        Raises:
            GenerationError: there is no such video.
        """
        with naming_sample(request):
            keys = [self._store.key(request.video, words) for words in self._descriptions(request)]
        return not all(map(self._store.has, keys))

    def fitting_batch(self, request: Request) -> int:
        """Return how many requests like this one to give at once: on a GPU what its free memory holds, else one."""
        free = free_bytes(self.device)
        if free is None:
            return 1
        each = BYTES_PER_SECOND * request.duration * self._settings.dtype.itemsize / torch.float32.itemsize
        return max(1, min(LARGEST_BATCH, int(free / 2 / each)))

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
        return self.generate_prepared(requests, [{}] * len(requests))

    def generate_prepared(self, requests: Sequence[Request], prepared: Sequence[Prepared]) -> list[Waveform]:
        """Return what `generate_batch` would, from videos that are decoded already.

        Args:
            requests: of any durations.
            prepared: what `prepare` made of each, as arrays or as tensors on any device; empty where the features are
                kept, or to decode here.

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
            with numerics(self._settings.precision):
                found = self._answer(group, [prepared[i] for i in chosen], lengths)
            answers.update(zip(chosen, found, strict=True))
        return [answers[i] for i in range(len(requests))]

    @abstractmethod
    def _answer(
        self, requests: Sequence[Request], prepared: Sequence[Prepared], lengths: Lengths
    ) -> Sequence[Waveform]:
        """Return one waveform per request; all are of the same lengths."""

    @abstractmethod
    def _descriptions(self, request: Request) -> list[str]:
        """Return what the store knows the features of a request's video by."""

    def _features(
        self,
        requests: Sequence[Request],
        prepared: Sequence[Prepared],
        compute: Mapping[str, Callable[[Tensor], Iterable[Tensor]]],
    ) -> list[list[Tensor]]:
        """Return the features of each request's video, one per description; videos of several requests are read once.

        What the store lacks is computed: on a GPU for several videos together, on a CPU for one after the other, so
        that no bit depends on the batch.

        Args:
            requests: of one duration.
            prepared: their decoded frames, where they are.
            compute: stream of `prepare` to what makes a feature of it, uint8 (n, frames, 3, height, width) to
                (n, ...); in the order of the descriptions.
        """
        keys = []
        for request in requests:
            with naming_sample(request):
                keys.append([self._store.key(request.video, words) for words in self._descriptions(request)])
        found: dict[str, Tensor] = {}
        lacking: dict[tuple[str, ...], int] = {}
        for index, own in enumerate(keys):
            for key in own:
                kept = found.get(key)
                kept = self._store.find(key, requests[index].video) if kept is None else kept
                if kept is None:
                    lacking.setdefault(tuple(own), index)
                else:
                    found[key] = kept.to(self.device)
        places = list(lacking.values())
        at_once = len(places) if self.device.type == "cuda" else 1
        for start in range(0, len(places), at_once or 1):
            some = places[start : start + at_once]
            decoded = [prepared[index] or self.prepare(requests[index]) for index in some]
            for which, (stream, network) in enumerate(compute.items()):
                wanting = {
                    keys[index][which]: torch.as_tensor(one[stream]).to(self.device)
                    for index, one in zip(some, decoded, strict=True)
                    if keys[index][which] not in found
                }
                if wanting:
                    features = network(torch.stack(list(wanting.values())))
                    for key, feature in zip(wanting, features, strict=True):
                        found[key] = self._store.keep(key, feature)
        return [[found[key] for key in own] for own in keys]


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
