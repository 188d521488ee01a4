"""Native MMAudio: networks, sampler, VAE decoder, vocoders, and the model over them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baselines.mmaudio.model import MMAudio

__all__ = ["MMAudio"]


def __getattr__(name: str) -> Any:
    """Import the model when it is first used; listing models must not import torch."""
    if name != "MMAudio":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("baselines.mmaudio.model").MMAudio
