"""Synchformer: how many seconds a sound is ahead of or behind a picture.

Source:
    Iashin et al. 2024 (arXiv:2401.16423), https://github.com/v-iashin/Synchformer @ b66668a, MIT. The checkpoint is
    the one that MMAudio and av-benchmark use, `synchformer_state_dict.pth`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metrics.backbones.synchformer.audio import AudioExtractor
    from metrics.backbones.synchformer.frontend import prepare_audio, prepare_video
    from metrics.backbones.synchformer.network import Synchformer
    from metrics.backbones.synchformer.video import VideoExtractor

__all__ = ["AudioExtractor", "Synchformer", "VideoExtractor", "prepare_audio", "prepare_video"]

_HOMES = {
    "AudioExtractor": "audio",
    "Synchformer": "network",
    "VideoExtractor": "video",
    "prepare_audio": "frontend",
    "prepare_video": "frontend",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
