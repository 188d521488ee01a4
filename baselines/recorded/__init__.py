"""Audio that was generated elsewhere, as a model."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from baselines.recorded.generator import Recorded
    from baselines.recorded.sounds import AUDIO_SUFFIXES

_HOMES = {
    "AUDIO_SUFFIXES": "baselines.recorded.sounds",
    "Recorded": "baselines.recorded.generator",
}
__all__ = [
    "AUDIO_SUFFIXES",
    "Recorded",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
