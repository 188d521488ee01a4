"""The multimodal diffusion transformer: velocity of the audio latent, given picture, synchrony and text.

Three token streams (latent, CLIP image, CLIP text) attend to one another in the joint blocks; the latent alone goes
through the fused blocks. The Synchformer stream never attends: stretched to the latent's frames, it modulates every
layer of the latent. SELVA's generator is this network with other weights.

Source:
    MMAudio (Cheng et al. 2025, arXiv:2412.15322), code at 974010a; SELVA (arXiv:2512.02650), code at 70a8589.
    Entry names of the state dict are theirs; equal to their outputs within float32 rounding.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.mmaudio.layers import (
    HEAD_WIDTH,
    GatedMLP,
    SelfAttentionInputs,
    TimeConv,
    attend,
    mixer,
    rotary_table,
)
from baselines.mmaudio.lengths import FORMATS, TOKENS_PER_SEGMENT, AudioFormat, Lengths, lengths_for

CLIP_WIDTH = 1024
TEXT_WIDTH = 1024
TEXT_TOKENS = 77
SYNC_WIDTH = 768
DEFAULT_SECONDS = 8.0

# Some published files carry these tables, which are computed here.
COMPUTED_ENTRIES = frozenset({"t_embed.freqs", "latent_rot", "clip_rot"})

# What SELVA's second training stage updates (22M of 157M): the projection of the Synchformer stream and every
# modulation layer that receives it.
TRAINED_BY_SELVA = re.compile(
    r"sync_pos_emb|sync_input_proj\.|(joint_blocks\.\d+\.latent_block|fused_blocks\.\d+)\.adaLN_modulation\."
)


@dataclass(frozen=True)
class Variant:
    """Size of one published network."""

    rate: str  # key of FORMATS
    heads: int
    joint_blocks: int
    fused_blocks: int
    second_version: bool = False  # large_44k_v2: SiLU in the input projections, other time embedding

    @property
    def width(self) -> int:
        """Channels of every stream."""
        return self.heads * HEAD_WIDTH


VARIANTS: Mapping[str, Variant] = {
    "small_16k": Variant("16k", heads=7, joint_blocks=4, fused_blocks=8),
    "small_44k": Variant("44k", heads=7, joint_blocks=4, fused_blocks=8),
    "medium_44k": Variant("44k", heads=14, joint_blocks=4, fused_blocks=8),
    "large_44k": Variant("44k", heads=14, joint_blocks=7, fused_blocks=14),
    "large_44k_v2": Variant("44k", heads=14, joint_blocks=7, fused_blocks=14, second_version=True),
}


@dataclass(frozen=True)
class Conditions:
    """Everything the network knows of a batch but time and latent, computed once and used at every step.

    Attributes:
        clip: (batch, clip frames, width).
        sync: (batch, latent frames, width), stretched to the latent's clock.
        text: (batch, 77, width).
        clip_summary: (batch, width), projected mean over time.
        text_summary: (batch, width), projected mean over all 77 tokens, padding included.
        summary: (batch, 1, width), the part of the global condition that does not depend on time.
        latent_rotation: (2, latent frames, 32), shared by the batch.
        clip_rotation: (2, clip frames, 32), shared by the batch.
    """

    clip: Tensor
    sync: Tensor
    text: Tensor
    clip_summary: Tensor
    text_summary: Tensor
    summary: Tensor
    latent_rotation: Tensor
    clip_rotation: Tensor

    def followed_by(self, other: Conditions) -> Conditions:
        """Return one batch of this one's samples, then the other's; lengths must agree."""
        return replace(self, **{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in _OWN})

    def repeated(self, batch: int) -> Conditions:
        """Return the one sample of this batch, as often as asked for."""
        return replace(self, **{name: getattr(self, name).expand(batch, *_rest(getattr(self, name))) for name in _OWN})

    def rows(self, chosen: Tensor) -> Conditions:
        """Return the samples at these places, int64 (n,)."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _OWN})

    def tensors(self) -> tuple[Tensor, ...]:
        """Return every field, in order: `Conditions(*these)` is this one again."""
        return tuple(getattr(self, field.name) for field in fields(self))


# The fields of which every sample has its own.
_OWN = tuple(field.name for field in fields(Conditions) if not field.name.endswith("_rotation"))


def _rest(tensor: Tensor) -> list[int]:
    return [-1] * (tensor.ndim - 1)


class TimeEmbedder(nn.Module):
    """Cosines and sines of t, through a small MLP."""

    def __init__(self, width: int, frequencies: int, fastest: float) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self._frequencies, self._fastest = frequencies, fastest

    def forward(self, t: Tensor) -> Tensor:
        """Map t (batch,) in [0, 1] to (batch, width)."""
        steps = torch.arange(0, self._frequencies, 2, dtype=torch.float32, device=t.device)
        angles = t.float()[:, None] * (1.0 / 10_000 ** (steps / self._frequencies) * self._fastest)
        first: Any = self.mlp[0]
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1).to(first.weight.dtype))


class StreamBlock(nn.Module):
    """One stream's half of a block: modulated attention inputs, then the modulated update.

    With `feeds_only` the stream gives queries, keys and values to the others and is not updated itself (CLIP and
    text in the last joint block).
    """

    def __init__(self, width: int, *, kernel: int | None, feeds_only: bool = False) -> None:
        super().__init__()
        self.attn = SelfAttentionInputs(width)
        self._width, self._chunks = width, 2 if feeds_only else 6
        if not feeds_only:
            self.linear1 = mixer(width, width, kernel)
            self.ffn = GatedMLP(width, kernel)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, self._chunks * width))

    def modulation(self, condition: Tensor) -> tuple[Tensor, ...]:
        """Return shift, scale[, gate, and the same three for the MLP] from (batch, 1 or time, width)."""
        return self.adaLN_modulation(condition).chunk(self._chunks, dim=-1)

    def heads(self, x: Tensor, modulation: tuple[Tensor, ...], rotation: Tensor | None) -> tuple[Tensor, ...]:
        """Return query, key and value of the stream."""
        return self.attn(_modulated(x, *modulation[:2]), rotation)

    def updated(self, x: Tensor, attended: Tensor, modulation: tuple[Tensor, ...]) -> Tensor:
        """Return the stream after attention and MLP, both gated and residual."""
        _, _, attention_gate, shift, scale, mlp_gate = modulation
        x = x + self.linear1(attended) * attention_gate
        return x + self.ffn(_modulated(x, shift, scale)) * mlp_gate

    def forward(self, x: Tensor, condition: Tensor, rotation: Tensor | None) -> Tensor:
        """Attend within the stream: a fused block."""
        modulation = self.modulation(condition)
        return self.updated(x, attend(*self.heads(x, modulation, rotation)), modulation)


class JointBlock(nn.Module):
    """The three streams attend to the concatenation of all their tokens: latent, CLIP, text."""

    def __init__(self, width: int, *, last: bool) -> None:
        super().__init__()
        self.latent_block = StreamBlock(width, kernel=3)
        self.clip_block = StreamBlock(width, kernel=3, feeds_only=last)
        self.text_block = StreamBlock(width, kernel=None, feeds_only=last)
        self._last = last

    def forward(
        self, latent: Tensor, clip: Tensor, text: Tensor, frame_condition: Tensor, condition: Tensor, given: Conditions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three streams, each (batch, tokens, width)."""
        blocks = (self.latent_block, self.clip_block, self.text_block)
        streams = (latent, clip, text)
        rotations = (given.latent_rotation, given.clip_rotation, None)
        modulations = [b.modulation(c) for b, c in zip(blocks, (frame_condition, condition, condition), strict=True)]
        heads = [
            block.heads(x, modulation, rotation)
            for block, x, modulation, rotation in zip(blocks, streams, modulations, rotations, strict=True)
        ]
        query, key, value = (torch.cat(parts, dim=2) for parts in zip(*heads, strict=True))
        attended = attend(query, key, value).split([x.shape[1] for x in streams], dim=1)
        updated = self.latent_block.updated(latent, attended[0], modulations[0])
        if self._last:
            return updated, clip, text
        return (
            updated,
            self.clip_block.updated(clip, attended[1], modulations[1]),
            self.text_block.updated(text, attended[2], modulations[2]),
        )


class FinalLayer(nn.Module):
    """Modulated normalisation and a convolution to the latent's channels."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.conv = TimeConv(width, channels, 7)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Map (batch, time, width) to (batch, time, channels)."""
        return self.conv(_modulated(latent, *self.adaLN_modulation(condition).chunk(2, dim=-1)))


def _modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


class MMDiT(nn.Module):
    """The diffusion transformer of one variant; build it with `from_variant`, then load a state dict."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        width, channels = variant.width, self.audio.latent_channels
        convolved: type[nn.Module] = nn.SiLU if variant.second_version else nn.SELU
        between: list[nn.Module] = [nn.SiLU()] if variant.second_version else []

        self.sync_pos_emb = nn.Parameter(torch.zeros(1, 1, TOKENS_PER_SEGMENT, SYNC_WIDTH))
        self.latent_mean = nn.Parameter(torch.zeros(1, 1, channels))
        self.latent_std = nn.Parameter(torch.ones(1, 1, channels))
        self.empty_string_feat = nn.Parameter(torch.zeros(TEXT_TOKENS, TEXT_WIDTH))
        self.empty_clip_feat = nn.Parameter(torch.zeros(1, CLIP_WIDTH))
        self.empty_sync_feat = nn.Parameter(torch.zeros(1, SYNC_WIDTH))

        self.audio_input_proj = nn.Sequential(TimeConv(channels, width, 7), convolved(), GatedMLP(width, 7))
        self.clip_input_proj = nn.Sequential(nn.Linear(CLIP_WIDTH, width), *between, GatedMLP(width, 3))
        self.sync_input_proj = nn.Sequential(TimeConv(SYNC_WIDTH, width, 7), convolved(), GatedMLP(width, 3))
        self.text_input_proj = nn.Sequential(nn.Linear(TEXT_WIDTH, width), *between, GatedMLP(width))
        self.clip_cond_proj = nn.Linear(width, width)
        self.text_cond_proj = nn.Linear(width, width)
        self.global_cond_mlp = GatedMLP(width)
        self.final_layer = FinalLayer(width, channels)  # here, as in the order of the published files
        if variant.second_version:
            self.t_embed = TimeEmbedder(width, frequencies=width, fastest=10_000.0)
        else:
            self.t_embed = TimeEmbedder(width, frequencies=256, fastest=1.0)

        joint = variant.joint_blocks
        self.joint_blocks = nn.ModuleList(JointBlock(width, last=i == joint - 1) for i in range(joint))
        self.fused_blocks = nn.ModuleList(StreamBlock(width, kernel=3) for _ in range(variant.fused_blocks))
        self.register_load_state_dict_pre_hook(_drop_computed_entries)

    @classmethod
    def from_variant(cls, name: str) -> MMDiT:
        """Return an untrained network of a published size.

        Raises:
            ValueError: unknown variant; names those there are.
        """
        if name not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {name!r}")
        return cls(VARIANTS[name])

    @property
    def audio(self) -> AudioFormat:
        """The audio format whose latents this network makes."""
        return FORMATS[self.variant.rate]

    @property
    def null_clip(self) -> Tensor:
        """Learned stand-in for a CLIP frame, (1, 1024)."""
        return self.empty_clip_feat

    @property
    def null_sync(self) -> Tensor:
        """Learned stand-in for a Synchformer token, (1, 768)."""
        return self.empty_sync_feat

    def cast(self, dtype: torch.dtype) -> MMDiT:
        """Cast the layers, not the statistics and null features, which are added to or multiplied in float32."""
        for layer in self.children():
            layer.to(dtype)
        return self

    def conditions(
        self, clip: Tensor | None, sync: Tensor | None, text: Tensor, *, lengths: Lengths | None = None
    ) -> Conditions:
        """Return what the network knows of a batch, for `velocity`.

        Args:
            clip: float (batch, clip frames, 1024), unit length, or None for the learned null feature.
            sync: float (batch, 8 * segments, 768), or None for the learned null feature.
            text: float (batch, 77, 1024), per-token unit length.
            lengths: of the duration wanted; 8 s by default.

        Raises:
            ValueError: a stream is not of the length that `lengths` asks for.
        """
        lengths = lengths or lengths_for(DEFAULT_SECONDS, self.audio)
        batch = text.shape[0]
        clip = self.null_clip.expand(batch, lengths.clip, -1) if clip is None else clip
        sync = self.null_sync.expand(batch, lengths.sync, -1) if sync is None else sync
        for name, stream, expected in (("clip", clip, lengths.clip), ("sync", sync, lengths.sync)):
            if stream.shape[1] != expected:
                raise ValueError(f"{name}: expected {expected} tokens for this duration, got {stream.shape[1]}")
        return self._conditions(clip, sync, text, lengths)

    def _conditions(self, clip: Tensor, sync: Tensor, text: Tensor, lengths: Lengths) -> Conditions:
        dtype, device = self.clip_cond_proj.weight.dtype, text.device
        segments = sync.float().unflatten(1, (-1, TOKENS_PER_SEGMENT)) + self.sync_pos_emb
        sync = self.sync_input_proj(segments.flatten(1, 2).to(dtype))
        sync = F.interpolate(sync.transpose(1, 2), size=lengths.latent, mode="nearest-exact").transpose(1, 2)
        clip = self.clip_input_proj(clip.to(dtype))
        text = self.text_input_proj(text.to(dtype))
        clip_summary = self.clip_cond_proj(clip.mean(dim=1))
        text_summary = self.text_cond_proj(text.mean(dim=1))
        return Conditions(
            clip=clip,
            sync=sync,
            text=text,
            clip_summary=clip_summary,
            text_summary=text_summary,
            summary=self.global_cond_mlp(clip_summary + text_summary)[:, None],
            latent_rotation=rotary_table(lengths.latent, device=device),
            clip_rotation=rotary_table(lengths.clip, frequency_scale=lengths.latent / lengths.clip, device=device),
        )

    def null_conditions(
        self, batch: int, negative_text: Tensor | None = None, *, lengths: Lengths | None = None
    ) -> Conditions:
        """Return the conditions that guidance leads away from: learned null picture and synchrony.

        Args:
            batch: samples.
            negative_text: float (batch, 77, 1024), features of what must not sound; None takes the stored features
                of the empty prompt, as the published evaluation does.
            lengths: of the duration wanted; 8 s by default.
        """
        if negative_text is None:
            negative_text = self.empty_string_feat.expand(batch, -1, -1)
        return self.conditions(None, None, negative_text, lengths=lengths)

    def velocity(self, latent: Tensor, t: Tensor | float, conditions: Conditions) -> Tensor:
        """Return d latent / d t, float (batch, latent frames, channels) in the latent's dtype.

        Args:
            latent: float (batch, latent frames, channels), normalised.
            t: scalar or (batch,), 0 (noise) to 1 (audio).
            conditions: of the same batch and duration.
        """
        given, dtype = conditions, self.clip_cond_proj.weight.dtype
        time = torch.as_tensor(t, dtype=torch.float32, device=latent.device).expand(latent.shape[0])
        condition = self.t_embed(time)[:, None] + given.summary
        frame_condition = condition + given.sync
        x, clip, text = self.audio_input_proj(latent.to(dtype)), given.clip, given.text
        for block in self.joint_blocks:
            x, clip, text = block(x, clip, text, frame_condition, condition, given)
        for block in self.fused_blocks:
            x = block(x, frame_condition, given.latent_rotation)
        # The global condition, not the per-frame one: a slip of the original that its weights were trained with.
        return self.final_layer(x, condition).to(latent.dtype)

    def guided_velocity(
        self, latent: Tensor, t: Tensor | float, conditions: Conditions, null: Conditions, strength: float
    ) -> Tensor:
        """Return `strength * v(conditions) + (1 - strength) * v(null)`, both from one batch of twice the size.

        With a strength below 1 only the conditioned velocity is evaluated and returned, as in the reference.
        """
        if strength < 1.0:
            return self.velocity(latent, t, conditions)
        return self.guided(latent, t, conditions.followed_by(null), strength)

    def guided(self, latent: Tensor, t: Tensor | float, both: Conditions, strength: float) -> Tensor:
        """Return the guided velocity as `guided_velocity` does, from conditions that were joined before.

        Args:
            latent: float (batch, latent frames, channels).
            t: in [0, 1), a number or a scalar tensor.
            both: `conditions.followed_by(null)`, of twice the batch.
            strength: of the guidance, 1 or more.
        """
        conditioned, unconditioned = self.velocity(torch.cat([latent, latent]), t, both).chunk(2)
        return strength * conditioned + (1 - strength) * unconditioned

    def unnormalise(self, latent: Tensor) -> Tensor:
        """Return the latent in the VAE's own scale, float (batch, latent frames, channels)."""
        return latent * self.latent_std + self.latent_mean


def _drop_computed_entries(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in COMPUTED_ENTRIES:
        state.pop(prefix + name, None)
