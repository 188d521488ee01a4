"""What one step computes: from a batch to a loss for each of its clips, as one module for each stage.

A module holds as its own what is trained; networks that only help stand beside it, so that they are neither saved with
it nor copied to other processes.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from baselines.mmaudio.frames import sync_input
from baselines.mmaudio.lengths import Lengths
from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training import encoder_stage, generator_stage
from baselines.selva.training.batches import Batch, EncoderBatch, GeneratorBatch
from baselines.selva.training.mixing import mix_chosen
from baselines.selva.training.recipe import EncoderLoss, FlowTarget, Normalised
from baselines.selva.training.stages import freeze
from baselines.selva.video_encoder import TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor

# Clips that go through the frozen encoder together: more are no faster, and take memory.
_CLIPS_AT_ONCE = 4


def mixed_input(batch: Batch, normalised: Normalised = "once") -> Tensor:
    """Return what the student sees of a batch: float32 (b, t, 3, 224, 224).

    Args:
        batch: whose clips are mixed.
        normalised: "once": frames are mixed as grey levels, then brought from [0, 1] to [-1, 1]. "twice": brought
            there, mixed, and where they were mixed stretched so once more; these then lie in [-3, 1].

    Source:
        jnwnlee/selva @ 70a8589: its data set normalises frames, and its mixing normalises what it mixed.
    """
    choices: dict[str, Any] = {"ratio": batch.ratio, "mixed": batch.mixed, "on_the_right": batch.on_the_right}
    if normalised == "once":
        return sync_input(mix_chosen(batch.frames, **choices))
    seen = mix_chosen(sync_input(batch.frames), **choices)
    again = torch.tensor([chosen and batch.ratio < 1 for chosen in batch.mixed], device=seen.device)
    return torch.where(again[:, None, None, None, None], (seen - 0.5) / 0.5, seen)


class EncoderStep(nn.Module):
    """The first stage: the text-conditioned encoder on the mix against Synchformer on the clip alone.

    Args:
        network: the student; all of it is frozen but what the stage trains.
        teacher: Synchformer's video branch as published, for batches that bring no features of it.
        loss: the distance between the two.
        normalised: how often mixed frames are.
    """

    def __init__(
        self,
        network: TextVideoEncoder,
        teacher: VideoExtractor,
        *,
        loss: EncoderLoss = "mean squared error",
        normalised: Normalised = "once",
    ) -> None:
        super().__init__()
        self._loss, self._normalised = loss, normalised
        self.network = network
        self.trained = encoder_stage.trainable_parameters(network)
        freeze(network, self.trained)
        self._beside = (teacher,)  # in a tuple, a module is no part of this one

    def helpers_to(self, device: torch.device) -> None:
        """Move what stands beside the network."""
        self._beside[0].to(device)

    def forward(self, batch: EncoderBatch) -> Tensor:
        """Return the distance of student and teacher for each clip, (b,)."""
        (extractor,) = self._beside
        teacher = batch.teacher
        if teacher is None:
            teacher = encoder_stage.teacher_features(extractor, sync_input(batch.frames))
        picture = mixed_input(batch, self._normalised)
        return encoder_stage.feature_loss(self.network, picture, batch.text, batch.mask, teacher, loss=self._loss)


class GeneratorStep(nn.Module):
    """The second stage: the generator's flow, given the finished encoder's features of the mix.

    Args:
        network: the generator; all of it is frozen but what the stage trains.
        encoder: the first stage's result, frozen.
        lengths: of the clips.
        target: what the loss compares.
        normalised: how often mixed frames are.
    """

    def __init__(
        self,
        network: MMDiT,
        encoder: TextVideoEncoder,
        lengths: Lengths,
        *,
        target: FlowTarget = "velocity",
        normalised: Normalised = "once",
    ) -> None:
        super().__init__()
        self._target, self._normalised = target, normalised
        self.network = network
        self.trained = generator_stage.trainable_parameters(network)
        freeze(network, self.trained)
        self._beside = (encoder.requires_grad_(False),)
        self._lengths = lengths

    @property
    def encoder(self) -> TextVideoEncoder:
        """The first stage's result."""
        return self._beside[0]

    def helpers_to(self, device: torch.device) -> None:
        """Move what stands beside the network."""
        self.encoder.to(device)

    def features(self, batch: Batch) -> Tensor:
        """Return the encoder's features of each mix for its own label, float32 (b, 8 * segments, 768)."""
        picture = mixed_input(batch, self._normalised)
        slices = [slice(first, first + _CLIPS_AT_ONCE) for first in range(0, len(picture), _CLIPS_AT_ONCE)]
        with torch.no_grad():
            return torch.cat(
                [self.encoder(picture[part], batch.text[part], batch.mask[part]).float() for part in slices]
            )

    def forward(self, batch: GeneratorBatch) -> Tensor:
        """Return the loss of each clip's flow, (b,)."""
        sync, text = generator_stage.drop_conditions(
            self.network,
            self.features(batch),
            batch.clip_text,
            drop_video=batch.drop_video,
            drop_text=batch.drop_text,
        )
        return generator_stage.flow_loss(
            self.network,
            batch.latent,
            batch.noise,
            batch.t,
            sync=sync,
            text=text,
            lengths=self._lengths,
            target=self._target,
        )
