"""Audio that the user generated elsewhere, matched to samples by file name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from baselines.generator import GenerationError, Request, Waveform
from baselines.recorded.files import open_recorded
from baselines.recorded.sounds import AUDIO_SUFFIXES
from foundation import media

__all__ = ["AUDIO_SUFFIXES", "Recorded"]


class Recorded:
    """Sounds named `<sample id>.<suffix>`: in a folder and its subfolders, in a zip, or in a Hugging Face dataset.

    A file keeps its own sample rate, and its resolution where that is more than 16 bits, so that results are scored as
    they are. Channels are averaged. A sound longer than asked for is cut; a shorter one is an error unless `pad` allows
    zeros at its end.
    """

    sample_rate: int | None = None  # differs from file to file; `generate` says it with every answer

    def __init__(self, *, folder: Path | str, pad: bool = False) -> None:
        """Index the files.

        Args:
            folder: where they are: a folder, a .zip file, or a folder (or file) of parquet whose column `audio` holds
                bytes and path, as the Hugging Face hub has it.
            pad: fill a short sound with zeros instead of refusing it.

        Raises:
            ValueError: no such folder, no sound in it, or two files for one name.
        """
        self._folder = Path(folder)
        self._pad = pad
        self._files = open_recorded(self._folder)
        self._fine: dict[str, bool] = {}

    def missing(self, sample_ids: list[str]) -> list[str]:
        """Return the samples that have no file here, in the order given."""
        return [name for name in sample_ids if self._files.place(name) is None]

    def near(self, sample_id: str) -> str:
        """Return what a name that is not here may have become, as the end of a message."""
        return self._files.near(sample_id)

    def subtype_of(self, sample_id: str) -> media.Subtype:
        """Return how an answer that was given is to be stored: as floats where 16 bits would not hold its file's."""
        return "FLOAT" if self._fine[sample_id] else "PCM_16"

    def generate(self, request: Request) -> tuple[Waveform, int]:
        """Return the recorded sound, float32 (round(duration x rate),), and its rate in Hz.

        Raises:
            GenerationError: no file of that name, a file that cannot be read, or one that is too short.
        """
        path = self._files.place(request.sample_id)
        if path is None:
            raise GenerationError(f"no file {request.sample_id}.* in {self._folder}{self.near(request.sample_id)}")
        try:
            recording = self._files.read(request.sample_id)
        except media.MediaError as error:
            raise GenerationError(str(error)) from error
        audio = recording.audio
        self._fine[request.sample_id] = recording.fine
        wanted = round(request.duration * audio.sample_rate)
        sound = audio.samples.mean(axis=0, dtype=np.float32)[:wanted]
        if sound.size < wanted and not self._pad:
            there = sound.size / audio.sample_rate
            raise GenerationError(f"{path}: {there:.2f} s of sound, {request.duration:g} s needed (--pad fills zeros)")
        return np.pad(sound, (0, wanted - sound.size)), audio.sample_rate
