"""Rows of networks that more than one profile has: PANNs, Synchformer, and those of the metrics on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmark.profiles import front_ends
from benchmark.profiles.networks import NetworkRow
from foundation import media

if TYPE_CHECKING:
    from torch import Tensor


def small_frames(fps: float) -> media.FrameRequest:
    """Return a request for frames whose short side has 224 pixels."""
    return media.FrameRequest(fps, transform=front_ends.short_side)


def _named(features: Any) -> Mapping[str, Tensor]:
    named: Mapping[str, Tensor] = features._asdict()
    return named


def _as_kadtk(network: Any, batch: Tensor) -> Mapping[str, Tensor]:
    from metrics.backbones.panns import round_as_kadtk

    return {"embedding": round_as_kadtk(network.audio(batch).embedding)}


PANNS = (
    NetworkRow(
        "panns.audio", front_ends.prepare_panns, "waveform", lambda net, batch: _named(net.audio(batch)),
        yields={"embedding": "embedding", "logits": "logits"},
    ),
    NetworkRow("panns.kadtk", front_ends.prepare_kadtk, "waveform", _as_kadtk, yields={"kad_embedding": "embedding"}),
)  # fmt: skip
SYNCHFORMER_AUDIO = NetworkRow(
    "synchformer.audio", front_ends.prepare_synchformer_audio, "mels", lambda net, batch: {"segments": net.audio(batch)}
)
SYNCHFORMER_VIDEO = NetworkRow(
    "synchformer.video", front_ends.keep_frames, "frames", lambda net, batch: {"segments": net.video(batch)},
    frames=small_frames(25), on_device="metrics.backbones.synchformer:prepare_video",
)  # fmt: skip
ON_REQUEST = (
    NetworkRow(
        "vggish.audio", front_ends.prepare_vggish, "examples", lambda net, batch: {"embedding": net.audio(batch)},
        yields={"vggish": "embedding"},
    ),
    NetworkRow(
        "passt.audio", front_ends.prepare_passt, "mels", lambda net, batch: _named(net.audio(batch)),
        yields={"passt": "embedding", "passt_logits": "logits"},
    ),
    NetworkRow(
        "audiobox.audio", front_ends.prepare_audiobox, "waveform", lambda net, batch: _named(net.audio(batch)),
        yields={"aesthetics": "ratings"},
    ),
)  # fmt: skip
