"""The half that MMAudio and SELVA share: from features of text and video to waveforms."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.generator import Request
from baselines.mmaudio.lengths import AudioFormat, Lengths
from baselines.mmaudio.native import DType, NativeOptions
from baselines.mmaudio.sampler import euler
from baselines.mmaudio.transformer import VARIANTS, MMDiT
from baselines.mmaudio.vae import VAE
from baselines.mmaudio.vocoder import BigVGAN
from baselines.mmaudio.weights import State, WeightSource
from foundation.devices import check_device

DTYPES: Mapping[DType, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}
GUIDANCE = 4.5
STEPS = 25
DECODED_AT_ONCE = 8


@dataclass(frozen=True)
class Settings:
    """How to compute, common to all parts of a model.

    Attributes:
        steps: Euler steps.
        guidance: strength of classifier-free guidance; below 1 there is none.
        dtype: of the transformers (text, video, diffusion). VAE and vocoder stay in float32, whose rounding is
            inaudible where bfloat16's is not.
        compile: compile the diffusion transformer on first use.
        device: where to compute.
    """

    steps: int = STEPS
    guidance: float = GUIDANCE
    dtype: torch.dtype = torch.float32
    compile: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def checked(cls, options: NativeOptions) -> Settings:
        """Return settings made of a user's options.

        Raises:
            ValueError: an option out of range, or a GPU asked for where torch sees none.
        """
        steps, dtype, device = options.get("steps", STEPS), options.get("dtype", "fp32"), options.get("device")
        if steps < 1:
            raise ValueError(f"steps: expected at least 1, got {steps}")
        if dtype not in get_args(DType):
            raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
        check_device(device)
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls(steps, options.get("guidance", GUIDANCE), DTYPES[dtype], options.get("compile", False), chosen)


@dataclass(frozen=True)
class Brief:
    """What a batch of sounds is made from; all samples have the same duration.

    Attributes:
        sync: float (batch, 8 * segments, 768), or None for the learned null feature.
        clip: float (batch, clip frames, 1024), or None for the learned null feature.
        text: float (batch, 77, 1024).
        negative_text: for each sample, float (77, 1024), or None for the stored features of the empty prompt.
        lengths: of the duration wanted.
        seeds: one per sample; the only source of randomness.
    """

    sync: Tensor | None
    clip: Tensor | None
    text: Tensor
    negative_text: Sequence[Tensor | None]
    lengths: Lengths
    seeds: Sequence[int]

    @classmethod
    def of(
        cls,
        requests: Sequence[Request],
        lengths: Lengths,
        encode: Callable[[list[str]], list[Tensor]],
        *,
        sync: Tensor | None,
        clip: Tensor | None,
    ) -> Brief:
        """Return the brief of some requests, whose prompts `encode` turns into features.

        An empty negative prompt is none.
        """
        return cls(
            sync=sync,
            clip=clip,
            text=torch.stack(encode([request.prompt for request in requests])),
            negative_text=[
                encode([request.negative_prompt])[0] if request.negative_prompt else None for request in requests
            ],
            lengths=lengths,
            seeds=[request.seed for request in requests],
        )


class Synthesiser:
    """Diffusion transformer, VAE decoder and vocoder of one variant."""

    def __init__(self, variant: str, source: WeightSource, settings: Settings) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {variant!r}")
        rate, device = VARIANTS[variant].rate, settings.device
        self.network = source.build("generator", partial(MMDiT.from_variant, variant)).cast(settings.dtype).to(device)
        self.vae = source.build("vae", partial(VAE.from_variant, rate)).to(device)
        self.vocoder = source.build("vocoder", partial(BigVGAN.from_variant, rate), _unwrapped).to(device)
        self._settings = settings
        self._guided: Callable[..., Tensor] = self.network.guided_velocity
        if settings.compile:
            self._guided = torch.compile(self.network.guided_velocity)

    @property
    def audio(self) -> AudioFormat:
        """The format of the waveforms."""
        return self.network.audio

    @torch.inference_mode()
    def waveforms(self, brief: Brief) -> list[NDArray[np.float32]]:
        """Return one waveform per sample, float32 (lengths.samples,) within [-1, 1]."""
        latent = self.latents(brief)
        at_once = DECODED_AT_ONCE if latent.is_cuda else 1  # on a CPU several at once only cost memory
        waves = [self.vocoder(self.vae.decode(part))[:, : brief.lengths.samples] for part in latent.split(at_once)]
        return list(torch.cat(waves).cpu().numpy())

    @torch.inference_mode()
    def latents(self, brief: Brief) -> Tensor:
        """Return the sampled latents in the VAE's scale, float32 (batch, latent frames, channels)."""
        network, lengths = self.network, brief.lengths
        empty = network.empty_string_feat
        negative = torch.stack([empty if one is None else one.to(empty) for one in brief.negative_text])
        given = network.conditions(brief.clip, brief.sync, brief.text, lengths=lengths)
        null = network.null_conditions(len(brief.seeds), negative, lengths=lengths)

        def flow(latent: Tensor, t: Tensor) -> Tensor:
            return self._guided(latent, t, given, null, self._settings.guidance)

        return network.unnormalise(euler(flow, self.noise(brief.seeds, lengths), self._settings.steps))

    def noise(self, seeds: Sequence[int], lengths: Lengths) -> Tensor:
        """Return the starting latents, each drawn on the CPU from its own seed, so devices and batches agree."""
        shape = (1, lengths.latent, self.audio.latent_channels)
        drawn = [torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds]
        return torch.cat(drawn).to(self._settings.device)


def _unwrapped(state: dict[str, Any]) -> State:
    """Vocoder files keep their state dict under a key."""
    inner: State = state.get("generator", state)
    return inner
