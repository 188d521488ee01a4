"""What training needs of a clip's file: its frames, and its sound at the rates of the latents.

The file is decoded once for its pictures and once for its sound, whatever the number of rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.mmaudio.frames import sync_request
from baselines.mmaudio.lengths import FORMATS, MEL_FRAMES_PER_LATENT, lengths_for
from baselines.selva.training.pictures import Picture, encoded
from baselines.selva.training.store_record import Rate
from baselines.selva.video_encoder import MISSING_FRAMES
from foundation.faults import check_own_fault
from foundation.media import MediaError, read_audio_native, read_video_streams
from foundation.media.resampling import Sinc, filtered

PEAK = 0.95  # of the whole file, before it is resampled and cut
SILENT_BELOW = 1e-6  # largest sample, full scale 1
KAISER = Sinc(width=64, rolloff=0.9475937167399596, beta=14.769656459379492)
SOUND_RULE = (
    f"mean of the channels, scaled to a peak of {PEAK} over the whole file (refused up to {SILENT_BELOW:g}), "
    "resampled by a Kaiser-windowed sinc of width 64, cut; less than one latent frame of silence at the end"
)


class Unusable(Exception):
    """A clip that cannot be trained with: what kind of reason it is, and the reason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind, reason)  # both, so that it comes whole from a worker process
        self.kind, self.reason = kind, reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class ReadClip:
    """A clip as it was read.

    Attributes:
        frames: uint8 (t, 3, 224, 224), RGB, the whole picture squashed.
        files: the same as they are kept, a file each.
        sounds: float32 (samples,) by rate, each as long as the latent of the clip.
    """

    frames: NDArray[np.uint8]
    files: Sequence[bytes]
    sounds: Mapping[Rate, NDArray[np.float32]]


def read_clip(path: Path, *, seconds: float, rates: Sequence[Rate], picture: Picture) -> ReadClip:
    """Return the first seconds of a clip.

    Args:
        path: its file.
        seconds: its length; up to three frames that are missing at the end repeat the last one.
        rates: of the sounds wanted; none: the sound is not decoded.
        picture: how frames are kept.

    Raises:
        Unusable: it is unreadable, silent or too short; says which, and by how much.
        foundation.faults.MachineFault: it cannot be read through no fault of its own.

    Source:
        MMAudio 974010a and SELVA 70a8589 (data for training): 25 fps, 224 x 224, sound of peak 0.95, silent or short
        files refused. They refuse a sound of 8 s at 44.1 kHz too, whose last latent frame would want 11 ms more; here
        these are silent.
    """
    try:
        sounds = read_sounds(path, seconds=seconds, rates=rates) if rates else {}
        (frames,) = read_video_streams(path, [sync_request("squash")], seconds=seconds, repeat_last=MISSING_FRAMES)
    except MediaError as error:
        check_own_fault(path, error.reason)
        raise Unusable(_kind(error.reason), error.reason) from error
    return ReadClip(frames, encoded(frames, picture), sounds)


def _kind(reason: str) -> str:
    known = {"too short": "too short", "no audio stream": "no sound", "no such file": "no such file"}
    return next((kind for words, kind in known.items() if reason.startswith(words)), "unreadable")


def read_sounds(path: Path, *, seconds: float, rates: Sequence[Rate]) -> dict[Rate, NDArray[np.float32]]:
    """Return the sound of a clip at several rates: float32 (samples,), 2 * hop samples a latent frame.

    Raises:
        Unusable: it is silent or too short, or a sample is no finite number.
        foundation.media.MediaError: it cannot be decoded.
    """
    audio = read_audio_native(path)
    mono = audio.samples.mean(axis=0, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise Unusable("unreadable", "holds samples of sound that are not finite")
    loudest = float(np.abs(mono).max(initial=0.0))
    if loudest <= SILENT_BELOW:
        raise Unusable("silent", f"silent: no sample is above {SILENT_BELOW:g} of full scale, the loudest {loudest:g}")
    there = mono.size / audio.sample_rate
    if round(there * audio.sample_rate) < round(seconds * audio.sample_rate):
        raise Unusable("too short", f"too short: {there:.2f} s of sound, {seconds:.2f} s needed")
    scaled = torch.from_numpy(mono / loudest * np.float32(PEAK))
    return {rate: _cut(scaled, audio.sample_rate, seconds, rate) for rate in rates}


def _cut(sound: Tensor, sample_rate: int, seconds: float, rate: Rate) -> NDArray[np.float32]:
    form = FORMATS[rate]
    samples = lengths_for(seconds, form).latent * MEL_FRAMES_PER_LATENT * form.hop
    kept = _resampled(sound, sample_rate, form.sample_rate)[:samples]
    return np.asarray(torch.nn.functional.pad(kept, (0, samples - len(kept))).numpy(), dtype=np.float32)


def _resampled(sound: Tensor, from_rate: int, to_rate: int) -> Tensor:
    return filtered(sound, from_rate, to_rate, KAISER, in_double=True)
