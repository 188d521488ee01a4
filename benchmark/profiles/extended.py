"""What `--extended` adds to profile `paper`: VGGish, PaSST and onsets, each heard of the same decoded file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.features import Arrays
from benchmark.scoring import ExtendedEvidence
from foundation import media
from metrics.onset import DETECTOR_VERSION, detect_onsets, onset_seconds

BACKBONES = {  # backbone: what it is needed for
    "vggish": "FD-VGG",
    "passt": "FD-PaSST, IS-PaSST, KL-PaSST",
}
ONSET_KEY = f"v{DETECTOR_VERSION}"

Read = Callable[[str, str, Sequence[Path]], list[NDArray[Any]]]  # extractor, feature, files -> that feature of each


def require_packages() -> None:
    """See that the packages of the extra are installed, before work begins.

    Raises:
        metrics.backbones.passt.MissingPackage: one is not; says how to get it.
    """
    import metrics.backbones.passt  # noqa: F401 - importing it is the question


def prepare_vggish(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel patches that VGGish is given."""
    from metrics.backbones import vggish

    return {"examples": vggish.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_passt(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel spectrogram that PaSST is given."""
    from metrics.backbones import passt

    return {"mels": passt.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_onsets(audio: media.Audio, seconds: float) -> Arrays:
    """Return the onsets themselves; no network follows."""
    return {"onsets": detect_onsets(audio.samples, audio.sample_rate, seconds)}


def extended_evidence(read: Read, target: Sequence[Path], generated: Sequence[Path]) -> ExtendedEvidence:
    """Return what the extended metrics read.

    Args:
        read: from an extractor's name, a feature's name and files to that feature of each file.
        target: the targets' own audio, a file a sample.
        generated: the generated audio, likewise.
    """
    return ExtendedEvidence(
        reference_vggish=np.stack(read("vggish.audio", "embedding", target)),
        generated_vggish=np.stack(read("vggish.audio", "embedding", generated)),
        reference_passt=np.stack(read("passt.audio", "embedding", target)),
        generated_passt=np.stack(read("passt.audio", "embedding", generated)),
        reference_passt_logits=np.stack(read("passt.audio", "logits", target)),
        generated_passt_logits=np.stack(read("passt.audio", "logits", generated)),
        reference_onsets=[onset_seconds(onsets) for onsets in read("onset.audio", "onsets", target)],
        generated_onsets=read("onset.audio", "onsets", generated),
    )
