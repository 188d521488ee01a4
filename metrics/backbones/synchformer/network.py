"""Synchformer whole: both feature extractors and the head that votes for an offset.

Source:
    Synchformer (Iashin et al. 2024, arXiv:2401.16423, v-iashin/Synchformer @ b66668a, MIT), the AudioSet model
    24-01-04T16-39-21. Entry names are those of `synchformer_state_dict.pth` (513 entries), loaded strictly.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.backbones.synchformer.audio import COLUMNS, AudioExtractor
from metrics.backbones.synchformer.video import TIME_STEPS, VideoExtractor

WIDTH, HEADS, DEPTH = 768, 8, 3
OFFSETS = 21  # classes, -2 s to 2 s in steps of 0.2 s
WINDOW_SEGMENTS = 14  # 4.8 s; the table of positions has rows for exactly this many


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Linear(WIDTH, WIDTH)
        self.query = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(2, (HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(WIDTH)
        self.ln2 = nn.LayerNorm(WIDTH)
        self.attn = _Attention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class _Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.zeros(1, 2 + WINDOW_SEGMENTS * (TIME_STEPS + COLUMNS), WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pos_emb


class OffsetHead(nn.Module):
    """Transformer over the tokens of both modalities; its first token votes for an offset."""

    def __init__(self) -> None:
        super().__init__()
        self.OFF_tok = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.MOD_tok = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.vis_in_lnorm = nn.LayerNorm(WIDTH)
        self.aud_in_lnorm = nn.LayerNorm(WIDTH)
        self.pos_emb_cfg = _Positions()
        self.blocks = nn.Sequential(*(_Block() for _ in range(DEPTH)))
        self.ln_f = nn.LayerNorm(WIDTH)
        self.off_head = nn.Linear(WIDTH, OFFSETS)

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        """Return logits of the offsets: (b, 14 * 8, 768), (b, 14 * 6, 768) -> (b, 21)."""
        start, border = (token.expand(len(video), -1, -1) for token in (self.OFF_tok, self.MOD_tok))
        sequence = torch.cat([start, self.vis_in_lnorm(video), border, self.aud_in_lnorm(audio)], dim=1)
        return self.off_head(self.ln_f(self.blocks(self.pos_emb_cfg(sequence)))[:, 0])


class Synchformer(nn.Module):
    """Video features, audio features, and the offset between a window of each."""

    def __init__(self) -> None:
        super().__init__()
        self.vfeat_extractor = VideoExtractor()
        self.afeat_extractor = AudioExtractor()
        self.vproj = nn.Linear(WIDTH, WIDTH)
        self.aproj = nn.Linear(WIDTH, WIDTH)
        self.transformer = OffsetHead()

    def video(self, frames: Tensor, *, segments_at_once: int | None = None) -> Tensor:
        """Return video features: (b, t, 3, 224, 224) in [-1, 1] at 25 fps -> (b, segments, 8, 768).

        t = 200 (8 s) gives 24 segments; any t >= 16 is taken. `segments_at_once`: see
        `VideoExtractor.trunk`.

        Raises:
            ValueError: another shape, or fewer than 16 frames.
        """
        return self.vfeat_extractor(frames.to(self.vproj.weight), segments_at_once=segments_at_once).float()

    def audio(self, mels: Tensor) -> Tensor:
        """Return audio features: (b, segments, 128, 66) from `prepare_audio` -> (b, segments, 6, 768).

        Raises:
            ValueError: another shape.
        """
        return self.afeat_extractor(mels.to(self.aproj.weight)).float()

    def offset_logits(self, video: Tensor, audio: Tensor) -> Tensor:
        """Return the logits of 21 offsets, -2 s to 2 s in steps of 0.2 s, for one window of 4.8 s.

        Args:
            video: (b, 14, 8, 768), 14 neighbouring segments of `video`.
            audio: (b, 14, 6, 768), the same segments of `audio`.

        Returns:
            (b, 21).

        Raises:
            ValueError: another shape; the position table fits exactly 14 segments.
        """
        expected = [(WINDOW_SEGMENTS, steps, WIDTH) for steps in (TIME_STEPS, COLUMNS)]
        if [tuple(features.shape[1:]) for features in (video, audio)] != expected or len(video) != len(audio):
            raise ValueError(
                f"offset_logits: expected shapes (b, 14, 8, 768) and (b, 14, 6, 768), "
                f"got {tuple(video.shape)} and {tuple(audio.shape)}"
            )
        seen = self.vproj(video.flatten(1, 2).to(self.vproj.weight))
        heard = self.aproj(audio.flatten(1, 2).to(self.aproj.weight))
        return self.transformer(seen, heard).float()
