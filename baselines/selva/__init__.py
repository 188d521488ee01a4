"""Native SELVA: MMAudio's generator on video features that a text conditions."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baselines.selva.model import SELVA

__all__ = ["SELVA"]


def __getattr__(name: str) -> Any:
    """Import the model when it is first used; listing models must not import torch."""
    if name != "SELVA":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("baselines.selva.model").SELVA
