"""SELVA's video encoder: Synchformer's video branch, bent towards the sound that a text names.

The space-time tokens of every segment look at the text once, in a cross-attention block behind the last layer of the
trunk and before the spatial pooling. The trunk does not know the text, so one pass of it serves every prompt.

Source:
    SELVA (arXiv:2512.02650), code jnwnlee/selva @ 70a8589. Entry names are those of `video_enc_sup_5.pth`; equal to
    its output within float32 rounding.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from baselines.mmaudio.layers import HEAD_WIDTH, GatedMLP, HeadNorm, InterleavedHeads, attend
from metrics.backbones.synchformer import VideoExtractor
from metrics.backbones.synchformer.video import default_segments

WIDTH = 768
MISSING_FRAMES = 3  # how many frames at the end of a video the reference fills by repeating the last one

# A published file may hold more (parts of the teacher); the reference, too, reads only what lies under these names.
ENTRY_PREFIXES = (
    "vfeat_extractor.",
    "text_proj.",
    "synch_text_cross_blocks.",
    "sup_text_feat",
    "empty_string_feat",
)

# What SELVA's first training stage updates (19M of 135M); the rest is Synchformer as published.
TRAINED_PREFIXES = (
    "vfeat_extractor.spatial_attn_agg.",
    "text_proj.",
    "synch_text_cross_blocks.",
    "sup_text_feat",
)


class TextCrossAttention(nn.Module):
    """Queries from the picture, keys and values from the text, normalised per head."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(WIDTH, WIDTH)
        self.kv_proj = nn.Linear(WIDTH, 2 * WIDTH)
        self.q_norm = HeadNorm()
        self.k_norm = HeadNorm()
        self._query, self._key_value = InterleavedHeads(1), InterleavedHeads(2)

    def heads(self, tokens: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return query, key and value, each (b, heads, tokens or words, 64)."""
        (query,) = self._query(self.q_proj(tokens))
        key, value = self._key_value(self.kv_proj(text))
        return self.q_norm(query), self.k_norm(key), value

    def forward(self, tokens: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return what each token gathers from the text: (b, tokens, 768)."""
        return attend(*self.heads(tokens, text), mask[:, None, None, :])

    def weights(self, tokens: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return how much each token looks at each word, mean over heads: (b, tokens, words)."""
        query, key, _ = self.heads(tokens, text)
        scores = query @ key.transpose(-1, -2) / HEAD_WIDTH**0.5
        scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
        return scores.float().softmax(dim=-1).mean(dim=1)


class CrossBlock(nn.Module):
    """Cross-attention and a gated MLP, both residual.

    The normalisation sits on the attention's output, where its scale, zero before training, works as the gate; the
    queries are taken from the tokens as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)  # in the order of the published file
        self.attn = TextCrossAttention()
        self.linear1 = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.ffn = GatedMLP(WIDTH)

    def forward(self, tokens: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return tokens of the same shape, (b, tokens, 768)."""
        tokens = tokens + self.norm1(self.linear1(self.attn(tokens, text, mask)))
        return tokens + self.ffn(self.norm2(tokens))


class TextVideoEncoder(nn.Module):
    """Text-conditioned video encoder; `load_state_dict` takes a published file, strictly under its prefixes.

    Args:
        num_sup_tokens: learned supplementary tokens put in front of the text. The paper has 0, 1, 3, 5 and 7; only
            the weights for 5 are published.

    Raises:
        ValueError: a negative number of tokens.
    """

    def __init__(self, num_sup_tokens: int = 5) -> None:
        super().__init__()
        if num_sup_tokens < 0:
            raise ValueError(f"num_sup_tokens: expected 0 or more, got {num_sup_tokens}")
        self.num_sup_tokens = num_sup_tokens
        if num_sup_tokens:
            self.sup_text_feat = nn.Parameter(torch.zeros(num_sup_tokens, WIDTH))
        self.empty_string_feat = nn.Parameter(torch.zeros(1, WIDTH), requires_grad=False)  # used in training only
        self.vfeat_extractor = VideoExtractor()
        self.text_proj = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.SiLU(), GatedMLP(WIDTH))
        self.synch_text_cross_blocks = nn.ModuleList([CrossBlock()])
        self.register_load_state_dict_pre_hook(_drop_foreign_entries)

    def trunk(self, frames: Tensor, **options: int | None) -> Tensor:
        """Return the space-time tokens before any text: (b, segments, 1568, 768).

        Args:
            frames: float (b, t, 3, 224, 224) in [-1, 1] at 25 fps, t >= 16.
            options: `segments_at_once`, as `VideoExtractor.trunk` has it.
        """
        return self.vfeat_extractor.trunk(frames, **options)

    def words(self, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return projected text tokens with the [SUP] tokens in front, and their mask: (b, k + l, 768), (b, k + l)."""
        if self.num_sup_tokens:
            batch = len(text)
            text = torch.cat([self.sup_text_feat.to(text.dtype).expand(batch, -1, -1), text], dim=1)
            mask = torch.cat([mask.new_ones(batch, self.num_sup_tokens), mask], dim=1)
        return self.text_proj(text), mask

    def fuse(self, trunk: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return the space-time tokens after they looked at the text, of the trunk's shape.

        Args:
            trunk: float (b, segments, 1568, 768).
            text: float (b, l, 768), states of Flan-T5.
            mask: bool (b, l), True for real tokens.

        Raises:
            ValueError: batch sizes differ, or the mask is not boolean (b, l).
        """
        if mask.dtype != torch.bool or mask.shape != text.shape[:2] or len(trunk) != len(text):
            raise ValueError(
                "trunk, text and mask: expected (b, segments, 1568, 768), (b, l, 768) and bool (b, l), "
                f"got {tuple(trunk.shape)}, {tuple(text.shape)} and {mask.dtype} {tuple(mask.shape)}"
            )
        words, mask = self.words(text, mask)
        tokens = trunk.flatten(1, 2)  # one text serves all segments, so they make one long query
        for block in self.synch_text_cross_blocks:
            tokens = block(tokens, words, mask)
        return tokens.view_as(trunk)

    def condition(self, trunk: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return video features that carry what the text asks for: (b, 8 * segments, 768); see `fuse`."""
        # A few segments at a time: the MLP of the cross block is the widest thing here, and 24 segments of it at once
        # would take 300 MB per sample for nothing.
        at_once = max(1, default_segments(trunk) // len(trunk))
        parts = [self.vfeat_extractor.aggregate(self.fuse(part, text, mask)) for part in trunk.split(at_once, dim=1)]
        return torch.cat(parts, dim=1).flatten(1, 2)

    def forward(self, frames: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Return `condition(trunk(frames), text, mask)`: (b, 8 * segments, 768)."""
        return self.condition(self.trunk(frames), text, mask)


def _drop_foreign_entries(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    wanted = tuple(prefix + name for name in ENTRY_PREFIXES)
    for name in [name for name in state if name.startswith(prefix) and not name.startswith(wanted)]:
        del state[name]
