"""Synchformer: how many seconds a sound is ahead of or behind a picture.

Source:
    Iashin et al. 2024 (arXiv:2401.16423), https://github.com/v-iashin/Synchformer @ b66668a, MIT. The checkpoint is
    the one that MMAudio and av-benchmark use, `synchformer_state_dict.pth`.
"""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

__all__ = [
    "AudioExtractor",
    "Synchformer",
    "VideoExtractor",
    "prepare_audio",
    "prepare_video",
]

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from metrics.backbones.synchformer.audio import AudioExtractor
    from metrics.backbones.synchformer.frontend import prepare_audio, prepare_video
    from metrics.backbones.synchformer.network import Synchformer
    from metrics.backbones.synchformer.video import VideoExtractor

_HOMES = {
    "AudioExtractor": "metrics.backbones.synchformer.audio",
    "Synchformer": "metrics.backbones.synchformer.network",
    "VideoExtractor": "metrics.backbones.synchformer.video",
    "prepare_audio": "metrics.backbones.synchformer.frontend",
    "prepare_video": "metrics.backbones.synchformer.frontend",
}
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
