"""Audio that was generated elsewhere, as a model."""

from foundation.names import lazy_exports

_HOMES = {
    "AUDIO_SUFFIXES": "baselines.recorded.sounds",
    "Recorded": "baselines.recorded.generator",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
