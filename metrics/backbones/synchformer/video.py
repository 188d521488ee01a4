"""Video branch of Synchformer: a Motionformer with divided space-time attention, segment by segment.

Source:
    Motionformer (Patrick et al. 2021, arXiv:2106.05392), ViT-B, as trained by Synchformer (arXiv:2401.16423,
    v-iashin/Synchformer @ b66668a, MIT). Equal to the reference to 1e-5 of the largest value in float32.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from foundation.devices import free_bytes
from metrics.backbones.synchformer.pooling import AttentionPooling

SEGMENT_FRAMES = 16
HOP_FRAMES = 8
FRAME_SIZE = 224
TIME_STEPS, POSITIONS = 8, 14 * 14  # tokens of one segment: 2 frames by 16 x 16 pixels each
WIDTH, HEADS, DEPTH = 768, 12, 12
EPSILON = 1e-6
SEGMENTS_AT_ONCE = 4  # on a CPU: 24 at once need 4 GB for their activations, 4 need 0.9 GB and are as fast
SEGMENTS_ON_GPU = 96  # at most, which is four videos of 8 s
SEGMENT_BYTES = 170 << 20  # that the activations of one segment take in float32


def default_segments(tensor: Tensor) -> int:
    """Return how many segments go through a network together: on a GPU what a third of its free memory holds."""
    free = free_bytes(tensor.device)
    if free is None:
        return SEGMENTS_AT_ONCE
    each = SEGMENT_BYTES * tensor.dtype.itemsize // torch.float32.itemsize
    return max(1, min(SEGMENTS_ON_GPU, free // 3 // each))


class DividedAttention(nn.Module):
    """Attention of every token within its own time step, or along time at its own position.

    The class token is the exception: it sees all tokens, and all tokens see it.

    Attributes:
        fused: attend along time by a kernel of our own, on a GPU in half precision.
    """

    fused = False

    def __init__(self, width: int = WIDTH, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor, along: Literal["time", "space"]) -> Tensor:
        """Return the attended tokens: (b, 1 + 8 * 196, width), class token first and time-major, same shape out."""
        qkv = self.qkv(tokens)
        q, k, v = qkv.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (b, heads, n, d)
        whole = functional.scaled_dot_product_attention(q[:, :, :1], k, v)
        if self.fused and along == "time" and qkv.is_cuda and qkv.dtype != torch.float32:
            return self.proj(self.joined_by_kernel(qkv, whole))
        patches = self.attended_patches(q, k, v, along)
        return self.proj(torch.cat([whole, patches], dim=2).transpose(1, 2).flatten(2))

    def joined_by_kernel(self, qkv: Tensor, whole: Tensor) -> Tensor:
        """Return what all tokens gather along time, (b, 1 + 8 * 196, width), by our kernel.

        Args:
            qkv: (b, 1 + 8 * 196, 3 * width), projected.
            whole: (b, heads, 1, d), what the class token gathers.
        """
        from metrics.backbones.synchformer.time_attention import attend_along_time

        joined = torch.empty_like(qkv[..., : qkv.shape[2] // 3], memory_format=torch.contiguous_format)
        joined[:, :1] = whole.transpose(1, 2).flatten(2)
        attend_along_time(qkv, joined, self.heads, TIME_STEPS)
        return joined

    def attended_patches(self, q: Tensor, k: Tensor, v: Tensor, along: Literal["time", "space"]) -> Tensor:
        """Return what the patch tokens gather, (b, heads, 8 * 196, d)."""

        def groups(x: Tensor) -> Tensor:
            """Patch tokens as (b * heads, groups, members, d)."""
            grid = x[:, :, 1:].flatten(0, 1).unflatten(1, (TIME_STEPS, POSITIONS))
            return grid.transpose(1, 2) if along == "time" else grid

        def with_class_token(x: Tensor) -> Tensor:
            members = groups(x)
            first = x[:, :, :1].flatten(0, 1)[:, None].expand(-1, members.shape[1], -1, -1)
            return torch.cat([first, members], dim=2)

        patches = functional.scaled_dot_product_attention(groups(q), with_class_token(k), with_class_token(v))
        if along == "time":
            patches = patches.transpose(1, 2)
        return patches.flatten(1, 2).unflatten(0, q.shape[:2])


class FeedForward(nn.Module):
    """Two linear layers with the exact GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return an array of the same shape, (..., width)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class SpaceTimeBlock(nn.Module):
    """Attention along time, then within each time step, then a feed-forward layer; each one residual."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.attn = DividedAttention(width)
        self.timeattn = DividedAttention(width)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = FeedForward(width, 4 * width)
        self.norm3 = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape, (b, 1569, width)."""
        x = x + self.timeattn(self.norm3(x), along="time")
        x = x + self.attn(self.norm1(x), along="space")
        return x + self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    """The convolution that turns patches into tokens; its stride is its kernel."""

    def __init__(self, convolution: nn.Conv2d | nn.Conv3d) -> None:
        super().__init__()
        self.proj = convolution

    def forward(self, pixels: Tensor) -> Tensor:
        """Return tokens in raster order: (b, 3, frames, height, width) -> (b, tokens, channels)."""
        if pixels.is_cuda and pixels.dtype != torch.float32:
            return self.as_product(
                pixels
            )  # for such a convolution in half precision the library has a slow kernel only
        return self.proj(pixels).flatten(2).transpose(1, 2)

    def as_product(self, pixels: Tensor) -> Tensor:
        """Return the same tokens by one matrix product over the pixels of each patch."""
        patches, axes = pixels, len(self.proj.kernel_size)
        for axis, side in enumerate(self.proj.kernel_size, start=2):
            patches = patches.unfold(axis, side, side)
        patches = patches.movedim(1, axes + 1).flatten(axes + 1).flatten(1, axes)
        return functional.linear(patches, self.proj.weight.flatten(1), self.proj.bias)


class VideoExtractor(nn.Module):
    """Motionformer over segments of 16 frames, 8 frames apart.

    `trunk` and `aggregate` are separate so that a network can act on the 1568 tokens of a segment before they are
    pooled to 8 (SELVA does); `forward` is one after the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + POSITIONS, WIDTH))
        self.temp_embed = nn.Parameter(torch.zeros(1, TIME_STEPS, WIDTH))
        self.patch_embed = PatchEmbedding(nn.Conv2d(3, WIDTH, 16, 16))  # in the checkpoint, never used
        self.patch_embed_3d = PatchEmbedding(nn.Conv3d(3, WIDTH, (2, 16, 16), (2, 16, 16)))
        self.blocks = nn.ModuleList(SpaceTimeBlock() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.spatial_attn_agg = AttentionPooling(WIDTH, HEADS, 4 * WIDTH, EPSILON)

    def trunk(self, frames: Tensor, *, segments_at_once: int | None = None) -> Tensor:
        """Return the tokens of every segment, normalised and not yet pooled.

        Args:
            frames: (b, t, 3, 224, 224) at 25 fps, RGB in [-1, 1], t >= 16. Frames after the last whole segment are
                not looked at.
            segments_at_once: how many segments go through the blocks together, of one video or of several; None:
                `default_segments`. Segments never see one another, so this trades memory for speed and changes no
                result.

        Returns:
            (b, segments, 8 * 14 * 14, 768), time-major; segments = (t - 16) // 8 + 1.

        Raises:
            ValueError: another shape, fewer than 16 frames, or `segments_at_once` below 1.
        """
        return self._by_segment(frames, self._tokens, segments_at_once)

    def aggregate(self, tokens: Tensor) -> Tensor:
        """Return one vector a time step: (b, segments, 8 * 196, 768) -> (b, segments, 8, 768)."""
        batch, segments = tokens.shape[:2]
        groups = tokens.reshape(batch * segments * TIME_STEPS, POSITIONS, WIDTH)
        return self.spatial_attn_agg(groups).view(batch, segments, TIME_STEPS, WIDTH)

    def forward(self, frames: Tensor, *, segments_at_once: int | None = None) -> Tensor:
        """Return the features of every segment: (b, t, 3, 224, 224) -> (b, segments, 8, 768); see `trunk`."""
        return self._by_segment(frames, lambda part: self.aggregate(self._tokens(part)[None])[0], segments_at_once)

    def _by_segment(self, frames: Tensor, network: Callable[[Tensor], Tensor], segments_at_once: int | None) -> Tensor:
        """Apply `network` ((n, 3, 16, 224, 224) -> (n, ...)) to the segments of all videos, a few at a time."""
        if frames.ndim != 5 or frames.shape[2:] != (3, FRAME_SIZE, FRAME_SIZE) or frames.shape[1] < SEGMENT_FRAMES:
            raise ValueError(
                f"frames: expected shape (b, t, 3, {FRAME_SIZE}, {FRAME_SIZE}) with t >= {SEGMENT_FRAMES}, "
                f"got {tuple(frames.shape)}"
            )
        if segments_at_once is None:
            segments_at_once = default_segments(frames)
        if segments_at_once < 1:
            raise ValueError(f"segments_at_once: expected at least 1, got {segments_at_once}")
        windows = frames.unfold(1, SEGMENT_FRAMES, HOP_FRAMES)  # (b, segments, 3, h, w, 16), a view
        batch, segments = windows.shape[:2]
        everywhere = [(video, segment) for video in range(batch) for segment in range(segments)]
        parts = []
        for start in range(0, len(everywhere), segments_at_once):
            chosen = everywhere[start : start + segments_at_once]
            pixels = torch.stack([windows[video, segment].movedim(-1, 1) for video, segment in chosen])
            parts.append(network(pixels))
        return torch.cat(parts).unflatten(0, (batch, segments))

    def _tokens(self, pixels: Tensor) -> Tensor:
        """Return the patch tokens of each segment: (n, 3, 16, 224, 224) -> (n, 1568, 768)."""
        patches = self.patch_embed_3d(pixels)
        where = self.pos_embed[:, 1:].repeat(1, TIME_STEPS, 1)
        when = self.temp_embed.repeat_interleave(POSITIONS, dim=1)
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(pixels), -1, -1)
        x = torch.cat([first, patches + where + when], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, 1:])
