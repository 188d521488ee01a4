"""The second stage: the generator learns to follow the features of the first stage's encoder.

It starts as MMAudio's generator. Trained are the projection of the video features and every modulation layer that
receives them; the rest, the null features included, stays as MMAudio left it.

Source:
    SELVA (arXiv:2512.02650, section 3 and appendix A.3), whose count of trained parameters fits exactly; flow matching
    and its constants as in MMAudio 974010a. Equal to their code within float32 rounding.
"""

# Some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import torch
from torch import Tensor

from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.transformer import TRAINED_BY_SELVA, MMDiT
from baselines.selva.training.recipe import FlowTarget


def trainable_parameters(network: MMDiT) -> list[str]:
    """Return the names of what this stage trains: 30 parameters of 22,058,944 values in `small_16k`."""
    return [name for name, _ in network.named_parameters() if TRAINED_BY_SELVA.match(name)]


def flow_loss(
    network: MMDiT,
    latent: Tensor,
    noise: Tensor,
    t: Tensor,
    *,
    sync: Tensor,
    text: Tensor,
    clip: Tensor | None = None,
    lengths: Lengths | None = None,
    target: FlowTarget = "velocity",
) -> Tensor:
    """Return how far the prediction is from the target, per sample: (b,), mean squared error, differentiable.

    On the straight way from noise x_0 to sound x_1, x_t = (1 - t) x_0 + t x_1, the velocity is x_1 - x_0. A predicted
    velocity v leads to the sound x_t + (1 - t) v, which misses x_1 by 1 - t times what v misses.

    Args:
        network: whose velocity it is.
        latent: float (b, n, c), drawn from the VAE's distribution, in the VAE's own scale; x_1 once it is normalised.
        noise: float (b, n, c), x_0.
        t: float (b,), in [0, 1].
        sync: float (b, 8 * segments, 768), the encoder's features.
        text: float (b, 77, 1024), of the CLIP text encoder.
        clip: float (b, clip frames, 1024); None for the learned null feature, with which SELVA was trained.
        lengths: of the clips' duration; 8 s by default.
        target: what is compared, the velocity or the sound that it leads to: then late times weigh little.

    Raises:
        ValueError: latent, noise and t do not fit one another, or a condition is not of the length asked for.
    """
    if latent.ndim != 3 or noise.shape != latent.shape or t.shape != latent.shape[:1]:
        raise ValueError(
            "latent, noise and t: expected (b, n, c), (b, n, c) and (b,), "
            f"got {tuple(latent.shape)}, {tuple(noise.shape)} and {tuple(t.shape)}"
        )
    sound = (latent - network.latent_mean) / network.latent_std
    time = t[:, None, None]
    between = (1 - time) * noise + time * sound
    velocity = network.velocity(between, t, network.conditions(clip, sync, text, lengths=lengths))
    missed = velocity - (sound - noise)
    if target == "x1":
        missed = (1 - time) * missed
    return missed.square().mean(dim=(1, 2))


def drop_conditions(
    network: MMDiT, sync: Tensor, text: Tensor, *, drop_video: Tensor, drop_text: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the conditions with the network's null features in place of some: new tensors of the same shapes.

    Args:
        network: whose null features they are; guidance leads away from them when sounds are generated.
        sync: float (b, 8 * segments, 768).
        text: float (b, 77, 1024).
        drop_video: bool (b,), True where the video features are to go.
        drop_text: bool (b,), True where the text is to go.

    Raises:
        ValueError: a choice is not bool (b,).
    """
    for name, dropped in (("drop_video", drop_video), ("drop_text", drop_text)):
        if dropped.dtype != torch.bool or dropped.shape != (len(sync),):
            raise ValueError(f"{name}: expected bool ({len(sync)},), got {dropped.dtype} {tuple(dropped.shape)}")
    null_text = network.empty_string_feat.to(text.dtype)
    return (
        torch.where(drop_video[:, None, None], network.null_sync.to(sync.dtype), sync),
        torch.where(drop_text[:, None, None], null_text, text),
    )
