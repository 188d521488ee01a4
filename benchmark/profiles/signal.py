"""Profile `signal`: no weights, for the embedded demo, for CI and for a first look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.features import Arrays, Extractor
from benchmark.profiles import Features, ProfileName, Question
from benchmark.scoring import Evidence
from foundation import media
from metrics.backbones.signal import FPS, SAMPLE_RATE, Signal
from metrics.backbones.signal_classifier import LabelModel
from vgg_monoaudio.dataset import Source

_BACKBONE = Signal()
_FRAME_SIZE = (112, 112)  # the backbone measures motion; more pixels do not change it


def _prepare_audio(audio: media.Audio, seconds: float) -> Arrays:
    mono = audio.samples.mean(axis=0, dtype=np.float32)
    waveform = media.resample(mono, audio.sample_rate, SAMPLE_RATE)[: round(seconds * SAMPLE_RATE)]
    features = _BACKBONE.audio(waveform)
    return {"embedding": features.embedding, "onset": features.onset}


def _prepare_video(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    return {"motion": _BACKBONE.video(frames)}


class SignalProfile:
    """Log-mel statistics, a closed-set classifier of the benchmark's own labels, and onset against motion."""

    name: ProfileName = "signal"
    unverified_weights = False
    extended = False
    audio = (Extractor("signal.audio", f"v{Signal.version}", "audio", _prepare_audio),)
    video = (
        Extractor("signal.video", f"v{Signal.version}", "video", _prepare_video, media.FrameRequest(FPS, _FRAME_SIZE)),
    )

    def __init__(self, *, extended: bool = False, **_options: Any) -> None:
        """Take no options: there is nothing to load and no device to choose.

        Raises:
            ValueError: the extended metrics are asked for, which are networks' alone.
        """
        if extended:
            raise ValueError("--extended: the extended metrics need profile paper, this is profile signal")

    def backbones(self) -> dict[str, str]:
        """Return the versions of the backbone and of its classifier."""
        return {"signal": f"v{Signal.version}", "signal.classifier": f"v{LabelModel.version}"}

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the signal backbone says of the samples."""
        (audio,), (video,) = self.audio, self.video

        def stacked(paths: Sequence[Any], name: str) -> NDArray[Any]:
            return np.stack([features.of(audio, path)[name] for path in paths])

        labels = LabelModel.fit(
            stacked([source.audio for source in sources], "embedding"), [source.label for source in sources]
        )
        generated = stacked([q.generated for q in questions], "embedding")
        target = stacked([q.sample.target_audio for q in questions], "embedding")
        beside = [q.sample.paired_audio for q in questions if q.sample.paired_audio is not None]
        paired = stacked(beside, "embedding") if len(beside) == len(questions) else None
        onsets = stacked([q.generated for q in questions], "onset")
        motions = [features.of(video, q.reference_video)["motion"] for q in questions]
        return Evidence(
            reference_embedding=target,
            generated_embedding=generated,
            reference_logits=labels.logits(target),
            paired_logits=None if paired is None else labels.logits(paired),
            generated_logits=labels.logits(generated),
            target_text=labels.prototypes([q.sample.label for q in questions]),
            paired_text=None if paired is None else labels.prototypes([q.sample.paired_label for q in questions]),
            generated_text_space=labels.standardised(generated),
            target_audio=labels.standardised(target),
            paired_audio=None if paired is None else labels.standardised(paired),
            offset_logits=np.stack([_BACKBONE.offset_logits(*pair) for pair in zip(onsets, motions, strict=True)]),
        )
