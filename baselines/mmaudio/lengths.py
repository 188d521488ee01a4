"""How long every sequence is for a video of so many seconds: latents, CLIP frames, Synchformer tokens, samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

SYNC_FPS = 25  # frames per second of the Synchformer stream
CLIP_FPS = 8  # frames per second of the CLIP stream
SEGMENT_FRAMES = 16  # frames of one Synchformer segment
SEGMENT_HOP = 8  # frames between the starts of two segments
TOKENS_PER_SEGMENT = 8  # time steps a segment has after the 2-frame patches
MEL_FRAMES_PER_LATENT = 2

# 40 ms of video in doubles (0.32 * 25 = 8.000000000000002) must not add or lose a frame.
_ROUNDING_DECIMALS = 6


@dataclass(frozen=True)
class AudioFormat:
    """What the VAE and the vocoder of one sampling rate agree on."""

    sample_rate: int  # Hz
    hop: int  # samples between two mel frames
    mel_bins: int
    latent_channels: int


FORMATS = {
    "16k": AudioFormat(sample_rate=16_000, hop=256, mel_bins=80, latent_channels=20),
    "44k": AudioFormat(sample_rate=44_100, hop=512, mel_bins=128, latent_channels=40),
}


@dataclass(frozen=True)
class Lengths:
    """Sequence lengths of one request.

    Attributes:
        latent: latent frames, each two mel frames.
        clip: frames of the CLIP stream.
        sync_frames: frames of the Synchformer stream.
        sync: Synchformer tokens, eight a segment.
        samples: samples to keep of the vocoder's output, which is never shorter.
    """

    latent: int
    clip: int
    sync_frames: int
    sync: int
    samples: int


def lengths_for(duration_seconds: float, audio: AudioFormat) -> Lengths:
    """Return all sequence lengths for a duration, by the formulas of the reference implementation.

    Args:
        duration_seconds: at least one Synchformer segment, 0.64 s.
        audio: the format to generate.

    Raises:
        ValueError: the duration is not finite or shorter than one segment.

    Source:
        MMAudio 974010a and SELVA 70a8589, sequence configuration: latent frames round up, video frames down. Those
        keep the surplus of the last latent frame (353,280 samples for 8 s at 44.1 kHz); here `samples` cuts it.
    """
    shortest = SEGMENT_FRAMES / SYNC_FPS
    if not math.isfinite(duration_seconds) or duration_seconds < shortest:
        raise ValueError(f"duration_seconds: expected at least {shortest} s (one segment), got {duration_seconds}")

    def whole(value: float) -> int:
        return math.floor(round(value, _ROUNDING_DECIMALS))

    sync_frames = whole(duration_seconds * SYNC_FPS)
    segments = (sync_frames - SEGMENT_FRAMES) // SEGMENT_HOP + 1
    mel_frames = round(duration_seconds * audio.sample_rate / audio.hop, _ROUNDING_DECIMALS)
    return Lengths(
        latent=math.ceil(mel_frames / MEL_FRAMES_PER_LATENT),
        clip=whole(duration_seconds * CLIP_FPS),
        sync_frames=sync_frames,
        sync=segments * TOKENS_PER_SEGMENT,
        samples=round(duration_seconds * audio.sample_rate),
    )
