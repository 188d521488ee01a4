"""Native SELVA: MMAudio's generator on video features that a text conditions."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:
    from baselines.selva.model import SELVA as SELVA

__all__ = ["SELVA"]
# Listing models must not import torch.
__getattr__, __dir__ = lazy_exports(__name__, {"SELVA": "baselines.selva.model"})
