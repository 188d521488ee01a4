"""Controls: trivial generators that show the ceiling, the floor and the range of every metric.

They see the truth that models must not see, so the harness builds them from the benchmark's own sounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.generator import GenerationError, Reference, Request, Waveform
from foundation import media

_AFTER_ALL_HASHES = b"\xff" * (sha256().digest_size + 1)  # greater than any


class _Control:
    """A generator that knows the references of its subset."""

    def __init__(self, *, references: Mapping[str, Reference], sample_rate: int = 16_000) -> None:
        """Keep the truth.

        Args:
            references: sample id to its target and paired sounds.
            sample_rate: Hz of the answers.
        """
        self.sample_rate = sample_rate
        self._references = references

    def _reference(self, request: Request) -> Reference:
        try:
            return self._references[request.sample_id]
        except KeyError:
            raise GenerationError(f"no reference for sample {request.sample_id!r}") from None

    def _target_sound(self, request: Request) -> Waveform:
        path = self._reference(request).target_audio
        if path is None:
            raise GenerationError("the benchmark has no reference sounds; leave this control out")
        return self._sound(path, request.duration)

    def _paired_sound(self, request: Request) -> Waveform:
        path = self._reference(request).paired_audio
        if path is None:
            raise GenerationError("the scene has no paired sound; leave this control out on single clips")
        return self._sound(path, request.duration)

    def _sound(self, path: Path, duration: float) -> Waveform:
        try:
            sound = media.read_audio(path, sample_rate=self.sample_rate, seconds=duration)
        except media.MediaError as error:
            raise GenerationError(str(error)) from error
        if sound.size < round(duration * self.sample_rate):
            raise GenerationError(f"{path}: {sound.size / self.sample_rate:.2f} s of sound, {duration:g} s needed")
        return sound


class Oracle(_Control):
    """The target's own sound: the best any model can do."""

    def generate(self, request: Request) -> Waveform:
        """Return the target's sound."""
        return self._target_sound(request)


class Distractor(_Control):
    """The paired sound alone: everything right but the selection."""

    def generate(self, request: Request) -> Waveform:
        """Return the paired sound."""
        return self._paired_sound(request)


class Mixture(_Control):
    """Both sounds at half level each, as the scene's own soundtrack: a model that does not select."""

    def generate(self, request: Request) -> Waveform:
        """Return the mean of target and paired sound."""
        target = self._target_sound(request)
        return ((target + self._paired_sound(request)) / 2).astype(np.float32)


class Shuffled(_Control):
    """The target sound of another sample: real sounds of the right kind of set, each at the wrong place.

    The other sample is the one of smallest hash of both ids and the request's seed among those whose target is neither
    clip of the scene, so it does not depend on the order of requests. (In the first definition it could be the paired
    clip, and the answer was then the distractor's.) That takes a hash for each pair of samples, half a microsecond; all
    else is done once.
    """

    def generate(self, request: Request) -> Waveform:
        """Return another target's sound."""
        own = self._reference(request)
        begin = f"{request.seed}/{request.sample_id}/".encode()
        hashes = [sha256(begin + key).digest() for key in self._keys]
        for place in self._samples_of_target[own.target_id]:
            hashes[place] = _AFTER_ALL_HASHES
        for place in self._samples_of_sound.get(own.paired_audio, ()):
            hashes[place] = _AFTER_ALL_HASHES
        chosen = hashes.index(min(hashes))
        if hashes[chosen] == _AFTER_ALL_HASHES:
            raise GenerationError("every sample's target is one of this scene's two clips; a third is needed to take")
        sound = self._sounds[chosen]
        if sound is None:
            raise GenerationError("the benchmark has no reference sounds; leave this control out")
        return self._sound(sound, request.duration)

    @cached_property
    def _keys(self) -> list[bytes]:
        """The sample ids as they are hashed."""
        return [key.encode() for key in self._references]

    @cached_property
    def _sounds(self) -> list[Path | None]:
        """The target's sound of each sample."""
        return [reference.target_audio for reference in self._references.values()]

    @cached_property
    def _samples_of_target(self) -> Mapping[str, list[int]]:
        """Target clip to the places of the samples that have it."""
        places: dict[str, list[int]] = {}
        for place, reference in enumerate(self._references.values()):
            places.setdefault(reference.target_id, []).append(place)
        return places

    @cached_property
    def _samples_of_sound(self) -> Mapping[Path | None, list[int]]:
        """Sound to the places of the samples whose target's it is; a scene knows its paired clip by its sound."""
        places: dict[Path | None, list[int]] = {}
        for place, sound in enumerate(self._sounds):
            if sound is not None:
                places.setdefault(sound, []).append(place)
        return places


class Noise(_Control):
    """Pink noise with the root mean square level of the target."""

    def generate(self, request: Request) -> Waveform:
        """Return noise drawn from the request's seed."""
        target = self._target_sound(request)
        noise = pink_noise(target.size, np.random.default_rng(request.seed))
        level = float(np.sqrt(np.mean(np.square(target, dtype=np.float64))))
        return np.clip(noise * level, -1, 1).astype(np.float32)


class Silence(_Control):
    """Zeros."""

    def generate(self, request: Request) -> Waveform:
        """Return zeros."""
        return np.zeros(round(request.duration * self.sample_rate), dtype=np.float32)


def pink_noise(samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return noise with power falling as 1/frequency and root mean square 1, float64 (samples,)."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    frequency = np.arange(spectrum.size, dtype=np.float64)
    spectrum[1:] /= np.sqrt(frequency[1:])
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))
