"""Native MMAudio: networks, sampler, VAE decoder, vocoders, and the model over them."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:
    from baselines.mmaudio.model import MMAudio as MMAudio

__all__ = ["MMAudio"]
# Listing models must not import torch.
__getattr__, __dir__ = lazy_exports(__name__, {"MMAudio": "baselines.mmaudio.model"})
