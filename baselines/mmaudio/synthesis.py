"""The half that MMAudio and SELVA share: from features of text and video to waveforms."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.generator import Request
from baselines.mmaudio.lengths import AudioFormat, Lengths
from baselines.mmaudio.native import NativeOptions
from baselines.mmaudio.regions import compile_regions
from baselines.mmaudio.sampler import euler
from baselines.mmaudio.transformer import VARIANTS, Conditions, MMDiT
from baselines.mmaudio.vae import VAE
from baselines.mmaudio.vocoder import BigVGAN
from baselines.mmaudio.weights import State, WeightSource
from baselines.options import precision_of
from foundation.devices import Precision, chosen_device
from foundation.replay import Replayed

DTYPES: Mapping[Precision, torch.dtype] = {"exact": torch.float32, "fast": torch.bfloat16}
GUIDANCE = 4.5
STEPS = 25
DECODED_AT_ONCE = 8


@dataclass(frozen=True)
class Settings:
    """How to compute, common to all parts of a model.

    Attributes:
        steps: Euler steps.
        guidance: strength of classifier-free guidance; below 1 there is none.
        precision: "exact" or "fast", see `NativeOptions`. VAE and vocoder stay in float32 (in TF32 where fast), whose
            rounding is inaudible where bfloat16's is not.
        compile: compile the networks' blocks on first use, and use kernels of our own.
        device: where to compute.
    """

    steps: int = STEPS
    guidance: float = GUIDANCE
    precision: Precision = "exact"
    compile: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Of the transformers: text, video, diffusion."""
        return DTYPES[self.precision]

    @property
    def notes(self) -> list[str]:
        """What a reader of a results table should know of how it was computed."""
        return ["computed in bfloat16 and TF32 (precision fast)"] if self.precision == "fast" else []

    @classmethod
    def checked(cls, options: NativeOptions) -> Settings:
        """Return settings made of a user's options.

        Raises:
            ValueError: an option out of range, or a GPU asked for where torch sees none.
        """
        steps = options.get("steps", STEPS)
        if steps < 1:
            raise ValueError(f"steps: expected at least 1, got {steps}")
        device, precision = chosen_device(options.get("device")), precision_of(options)
        return cls(steps, options.get("guidance", GUIDANCE), precision, options.get("compile", False), device)


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
        self._null: dict[Lengths, Conditions] = {}
        self._sampled = Replayed(self._sample)
        self._largest: dict[Lengths, int] = {}
        if settings.compile:
            compile_regions(self.network, self.vocoder)

    @property
    def audio(self) -> AudioFormat:
        """The format of the waveforms."""
        return self.network.audio

    @torch.inference_mode()
    def waveforms(self, brief: Brief) -> list[NDArray[np.float32]]:
        """Return one waveform per sample, float32 (lengths.samples,) within [-1, 1]."""
        return list(self.decoded(self.latents(brief), brief.lengths).cpu().numpy())

    @torch.inference_mode()
    def decoded(self, latents: Tensor, lengths: Lengths) -> Tensor:
        """Return the waveforms of latents, float32 (batch, lengths.samples) within [-1, 1].

        Args:
            latents: float32 (batch, latent frames, channels), in the VAE's scale.
            lengths: how many samples to keep.
        """
        at_once = DECODED_AT_ONCE if latents.is_cuda else 1  # on a CPU several at once only cost memory
        return torch.cat([self.vocoder(self.vae.decode(part))[:, : lengths.samples] for part in latents.split(at_once)])

    @torch.inference_mode()
    def latents(self, brief: Brief) -> Tensor:
        """Return the sampled latents in the VAE's scale, float32 (batch, latent frames, channels).

        On a CPU each sample is computed alone, so that no bit of it depends on the others; a GPU takes them together.
        """
        noise, lengths = self.noise(brief.seeds, brief.lengths), brief.lengths
        at_once = len(noise) if noise.is_cuda else 1
        parts = []
        for start in range(0, len(noise), at_once):
            chosen = slice(start, start + at_once)
            parts.append(self._sampled_together(noise[chosen], self._conditions(brief, chosen), lengths))
        return self.network.unnormalise(torch.cat(parts))

    def _sampled_together(self, noise: Tensor, conditions: Conditions, lengths: Lengths) -> Tensor:
        """Sample a batch; on a GPU one that is little smaller than the largest is filled up, and its rest dropped.

        Each size of batch is recorded, and compiled, by itself, which takes longer than the samples that are dropped.
        """
        count = len(noise)
        if noise.is_cuda:
            full = self._largest[lengths] = max(count, self._largest.get(lengths, 0))
            if full < 2 * count or self._settings.compile:
                noise, conditions = self._filled_up(noise, conditions, full)
        return self._sampled(noise, *conditions.tensors())[:count]

    def _filled_up(self, noise: Tensor, conditions: Conditions, full: int) -> tuple[Tensor, Conditions]:
        """Return a batch of so many samples, the last one repeated."""
        count = len(noise)
        rows = torch.arange(full, device=noise.device).clamp(max=count - 1)
        guided = self._settings.guidance >= 1.0
        return noise[rows], conditions.rows(torch.cat([rows, rows + count]) if guided else rows)

    def _conditions(self, brief: Brief, chosen: slice) -> Conditions:
        """Return what the sampler knows of some samples: with guidance, also what it is led away from, behind it."""
        network, lengths = self.network, brief.lengths
        clip, sync = (None if part is None else part[chosen] for part in (brief.clip, brief.sync))
        given = network.conditions(clip, sync, brief.text[chosen], lengths=lengths)
        if self._settings.guidance < 1.0:
            return given
        negative = brief.negative_text[chosen]
        if any(text is not None for text in negative):
            empty = network.empty_string_feat
            texts = torch.stack([empty if text is None else text.to(empty) for text in negative])
            return given.followed_by(network.null_conditions(len(negative), texts, lengths=lengths))
        if lengths not in self._null:
            self._null[lengths] = network.null_conditions(1, lengths=lengths)
        return given.followed_by(self._null[lengths].repeated(len(negative)))

    def _sample(self, noise: Tensor, *conditions: Tensor) -> Tensor:
        """Follow the velocity from noise, (batch, latent frames, channels), to a latent in the network's scale."""
        network, strength, known = self.network, self._settings.guidance, Conditions(*conditions)

        def flow(latent: Tensor, t: Tensor) -> Tensor:
            if strength < 1.0:
                return network.velocity(latent, t, known)
            return network.guided(latent, t, known, strength)

        return euler(flow, noise, self._settings.steps)

    def noise(self, seeds: Sequence[int], lengths: Lengths) -> Tensor:
        """Return the starting latents, each drawn on the CPU from its own seed, so devices and batches agree."""
        shape = (1, lengths.latent, self.audio.latent_channels)
        drawn = [torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds]
        return torch.cat(drawn).to(self._settings.device)


def _unwrapped(state: dict[str, Any]) -> State:
    """Vocoder files keep their state dict under a key."""
    inner: State = state.get("generator", state)
    return inner
