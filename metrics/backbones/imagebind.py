"""ImageBind: picture and sound as vectors of one space, so that their cosine says whether they belong together.

Only the video and the audio trunk of ImageBind-huge, written out: no release installs beside current torch.

Source:
    ImageBind (Girdhar et al. 2023, arXiv:2305.05665), facebookresearch/ImageBind @ 53680b0, CC BY-NC-SA 4.0 (code and
    weights). Equal to the reference to 1e-5 of the largest value in float32.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from fractions import Fraction
from math import ceil
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foundation.extras import load_extra
from foundation.media.resampling import resample_tensor
from metrics.backbones import frontends

SAMPLE_RATE = 16_000  # Hz
FRAME_RATE = 0.5  # frames per second
FRAME_SIZE = 224
CROPS = 3
AUDIO_CLIPS, AUDIO_CLIP_SECONDS = 3, 2
MEL_BINS, MEL_FRAMES = 128, 204
MEL_MEAN, MEL_DEVIATION = -4.268, 9.138
PIXEL_MEAN, PIXEL_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
EMBEDDING = 1024
CLIPS_AT_ONCE = 36
EPSILON = 1e-6


class _Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int, extra_key: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, add_bias_kv=extra_key, batch_first=True)
        self.norm_1 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.norm_2 = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm_2(x))))


class _Stem(nn.Module):
    """Patches to tokens: (b, channels, ..., h, w) -> (b, tokens, width)."""

    def __init__(self, proj: nn.Module, norm_layer: nn.Module | None) -> None:
        super().__init__()
        self.proj = proj
        self.norm_layer = norm_layer

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.proj(x).flatten(2).transpose(1, 2)
        return tokens if self.norm_layer is None else self.norm_layer(tokens)


class _Positions(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))


class _Preprocessor(nn.Module):
    """Stem, class token and positions of one modality."""

    def __init__(self, stem: _Stem, patches: int, width: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.rgbt_stem = stem
        self.pos_embedding_helper = _Positions(1 + patches, width)

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), self.rgbt_stem(x)], dim=1)
        return tokens + self.pos_embedding_helper.pos_embed


class _Trunk(nn.Module):
    def __init__(self, width: int, heads: int, depth: int, *, extra_key: bool, norm_first: bool) -> None:
        super().__init__()
        if norm_first:
            self.pre_transformer_layer = nn.Sequential(nn.LayerNorm(width, eps=EPSILON))
        self.norm_first = norm_first
        self.blocks = nn.ModuleList(_Block(width, heads, extra_key) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        if self.norm_first:
            x = self.pre_transformer_layer(x)
        for block in self.blocks:
            x = block(x)
        return x


class _Scale(nn.Module):
    """Multiplies by a learned temperature, at most 100."""

    def __init__(self) -> None:
        super().__init__()
        self.log_logit_scale: Tensor
        self.register_buffer("log_logit_scale", torch.tensor(20.0).log())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.log_logit_scale.exp().clamp(max=100.0)


def _head(width: int) -> nn.Sequential:
    """Norm, token 0 (`Identity` keeps its place in the numbering of the entries), projection."""
    return nn.Sequential(nn.LayerNorm(width, eps=EPSILON), nn.Identity(), nn.Linear(width, EMBEDDING, bias=False))


class ImageBind(nn.Module):
    """Video and audio trunk of ImageBind-huge.

    Entry names are those of `imagebind_huge.pth` whose second part is `vision` or `audio`.
    """

    def __init__(self) -> None:
        super().__init__()
        vision_stem = _Stem(
            nn.Sequential(nn.Identity(), nn.Conv3d(3, 1280, (2, 14, 14), (2, 14, 14), bias=False)), None
        )
        audio_stem = _Stem(nn.Conv2d(1, 768, 16, 10, bias=False), nn.LayerNorm(768))
        self.modality_preprocessors = nn.ModuleDict(
            {"vision": _Preprocessor(vision_stem, 16 * 16, 1280), "audio": _Preprocessor(audio_stem, 12 * 19, 768)}
        )
        self.modality_trunks = nn.ModuleDict(
            {
                "vision": _Trunk(1280, 16, 32, extra_key=False, norm_first=True),
                "audio": _Trunk(768, 12, 12, extra_key=True, norm_first=False),
            }
        )
        self.modality_heads = nn.ModuleDict({"vision": _head(1280), "audio": _head(768)})
        self.modality_postprocessors = nn.ModuleDict({"audio": nn.Sequential(nn.Identity(), _Scale())})

    def video(self, clips: Tensor, *, clips_at_once: int = CLIPS_AT_ONCE) -> Tensor:
        """Return one embedding a file, the mean over its clips: (b, clips, 3, 2, 224, 224) -> float32 (b, 1024).

        Args:
            clips: of `prepare_video`, stacked; 9 clips for 8 s.
            clips_at_once: bounds memory and changes no result.

        Raises:
            ValueError: another shape.
        """
        return self._mean_over_clips("vision", clips, (3, 2, FRAME_SIZE, FRAME_SIZE), clips_at_once)

    def audio(self, mels: Tensor, *, clips_at_once: int = CLIPS_AT_ONCE) -> Tensor:
        """Return one embedding a file, the mean over its clips: (b, clips, 1, 128, 204) -> float32 (b, 1024).

        The embeddings of the clips have length 20, as the reference leaves them.

        Args:
            mels: of `prepare_audio`, stacked; 3 clips.
            clips_at_once: bounds memory and changes no result.

        Raises:
            ValueError: another shape.
        """
        return self._mean_over_clips("audio", mels, (1, MEL_BINS, MEL_FRAMES), clips_at_once)

    def _mean_over_clips(self, modality: str, clips: Tensor, shape: tuple[int, ...], clips_at_once: int) -> Tensor:
        if clips.ndim != 2 + len(shape) or tuple(clips.shape[2:]) != shape or clips.shape[1] == 0:
            wanted = ", ".join(map(str, shape))
            raise ValueError(f"clips of {modality}: expected shape (b, clips, {wanted}), got {tuple(clips.shape)}")
        batch, per_file = clips.shape[:2]
        parts = clips.flatten(0, 1).split(clips_at_once)
        return torch.cat([self._embed(modality, part) for part in parts]).view(batch, per_file, EMBEDDING).mean(dim=1)

    def _embed(self, modality: str, clips: Tensor) -> Tensor:
        """Return the embedding of each clip, float32 (clips, 1024), unit length (audio: length 20)."""
        weight = next(self.modality_heads[modality].parameters())
        tokens = self.modality_trunks[modality](self.modality_preprocessors[modality](clips.to(weight)))
        embedding = functional.normalize(self.modality_heads[modality](tokens[:, 0]), dim=-1).float()
        return self.modality_postprocessors["audio"](embedding) if modality == "audio" else embedding


def _clip_bounds(samples: int) -> list[tuple[int, int]]:
    """Return first and last sample of the three audio clips, spread evenly over the file.

    Exact fractions of the duration as a double, because the reference truncates them to integers: in a file of an odd
    length the last clip can end one sample early.
    """
    duration = samples / SAMPLE_RATE
    last_start = Fraction(max(duration - AUDIO_CLIP_SECONDS, 0.0))
    starts = [last_start / (AUDIO_CLIPS - 1) * clip for clip in range(AUDIO_CLIPS)]
    return [(int(start * SAMPLE_RATE), int((start + AUDIO_CLIP_SECONDS) * SAMPLE_RATE)) for start in starts]


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return three clips of 2 s as log-mel pictures.

    Three habits of the reference are kept: the clips are spread over the whole file, whatever `seconds` is; the mean
    over all channels is removed in place, so overlapping clips (of a file shorter than 6 s) are centred twice; and
    only the first channel is looked at afterwards.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: not used, as in the reference; here so that all front ends are called alike.

    Returns:
        float32 (3, 1, 128, 204): clip, channel, mel bin, frame of 10 ms; padded with silence at the end.

    Raises:
        ValueError: shorter than one frame of 25 ms; or see `frontends.as_waveform`.
    """
    del seconds
    kaldi = load_extra("torchaudio.compliance.kaldi", "paper", needed_by="ImageBind")
    whole = resample_tensor(frontends.as_waveform(waveform, sample_rate).clone(), sample_rate, SAMPLE_RATE)
    if whole.shape[1] < SAMPLE_RATE // 40:
        raise ValueError(f"waveform: {whole.shape[1]} samples at 16 kHz are less than one frame of 25 ms")
    pictures = []
    for start, end in _clip_bounds(whole.shape[1]):
        clip = whole[:, start:end]
        clip -= clip.mean()
        mels = kaldi.fbank(
            clip, htk_compat=True, sample_frequency=SAMPLE_RATE, use_energy=False, window_type="hanning",
            num_mel_bins=MEL_BINS, dither=0.0, frame_length=25, frame_shift=10,
        )  # fmt: skip
        padded = functional.pad(mels.T, (0, MEL_FRAMES - len(mels)))  # padding goes in before normalisation
        pictures.append((padded - MEL_MEAN) / MEL_DEVIATION)
    return torch.stack(pictures)[:, None]


def prepare_video(frames: Tensor | NDArray[Any]) -> Tensor:
    """Return clips of two neighbouring frames, each in three crops along the longer side.

    Args:
        frames: uint8 (t, 3, h, w), RGB, sampled at 0.5 frames per second (ffmpeg's fps filter: of 25 fps these are
            frames 24, 74, 124, 174); t >= 2.

    Returns:
        float32 ((t - 1) * 3, 3, 2, 224, 224) on the device of `frames`: clip by clip, crop by crop; channel, frame,
        height, width.

    Raises:
        ValueError: another shape or dtype, or fewer than two frames.
    """
    if len(frames) < 2:
        raise ValueError(f"frames: a clip needs two frames at {FRAME_RATE} a second, got {len(frames)}")
    small = frontends.short_side(frames, FRAME_SIZE)
    mean, deviation = (small.new_tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (PIXEL_MEAN, PIXEL_DEVIATION))
    scaled = (small.float() / 255 - mean) / deviation
    height, width = scaled.shape[2:]
    spare = max(height, width) - FRAME_SIZE
    clips = []
    for first in range(len(scaled) - 1):
        pair = scaled[first : first + 2].transpose(0, 1)
        for offset in (0, ceil(spare / 2), spare):
            down, right = (0, offset) if width >= height else (offset, 0)
            clips.append(pair[..., down : down + FRAME_SIZE, right : right + FRAME_SIZE])
    return torch.stack(clips)
