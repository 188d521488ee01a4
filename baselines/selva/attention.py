"""Where in the picture, and when, SELVA looks for the sound that a prompt names.

The map of the paper's appendix C.4: attention of every space-time token to the prompt's end-of-sequence token, times
how much the spatial pooling takes of that token, both averaged over heads.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.generator import GenerationError, Request
from baselines.mmaudio.lengths import SEGMENT_HOP, SYNC_FPS, TOKENS_PER_SEGMENT
from baselines.selva.video_encoder import MISSING_FRAMES, TextVideoEncoder
from foundation import media
from foundation.files import replacing

if TYPE_CHECKING:
    from baselines.selva.model import SELVA

GRID = 14  # tokens a side
FRAMES_PER_STEP = 2
STEPS_PER_HOP = SEGMENT_HOP // FRAMES_PER_STEP
SEGMENTS_AT_ONCE = 4
DEFAULT_SECONDS = 8.0
OVERLAY_HEIGHT = 360  # pixels; every prompt gets a picture of this height, side by side
STRIP_COLUMNS = 8
COLOUR_MAP = "inferno"
SOUND_RATE = 16_000  # Hz, of the overlay video
_BRIGHTEST_QUANTILE = 0.995  # what is drawn in full colour; the few hottest tokens would leave the rest black


@dataclass(frozen=True)
class SegmentAttention:
    """Attention per segment, each float32 (segments, 8, 14, 14): segment, time step, row, column.

    Attributes:
        text: share of a token's attention to the text that goes to the end-of-sequence token, in [0, 1].
        pooling: share of the pooling's attention that goes to a token; sums to at most 1 over a time step.
    """

    text: NDArray[np.float32]
    pooling: NDArray[np.float32]

    @property
    def product(self) -> NDArray[np.float32]:
        """The map of appendix C.4."""
        return self.text * self.pooling


@dataclass(frozen=True)
class AttentionMap:
    """The map of one prompt over a video.

    Attributes:
        prompt: the text.
        values: float32 (steps, 14, 14), not negative; step k covers frames 2k and 2k + 1 at 25 fps.
        segments: what it was merged from.
    """

    prompt: str
    values: NDArray[np.float32]
    segments: SegmentAttention


@dataclass(frozen=True)
class AttentionFiles:
    """What `write_attention` wrote."""

    video: Path
    strip: Path


@torch.inference_mode()
def segment_attention(encoder: TextVideoEncoder, trunk: Tensor, text: Tensor, mask: Tensor) -> SegmentAttention:
    """Return both attention maps of one video and one prompt.

    Args:
        encoder: the text-conditioned video encoder.
        trunk: float (1, segments, 1568, 768), of `encoder.trunk`.
        text: float (1, l, 768), T5 states; the last valid one is the end of the sequence.
        mask: bool (1, l), True for real tokens.

    Raises:
        ValueError: more than one video, or no valid token.
    """
    if len(trunk) != 1 or not bool(mask.any()):
        raise ValueError(f"expected one video and a text with at least one token, got {len(trunk)} and {mask.tolist()}")
    words, valid = encoder.words(text, mask)
    end = encoder.num_sup_tokens + int(mask[0].nonzero().max())
    cross: Any = encoder.synch_text_cross_blocks[-1]
    text_parts, pooling_parts = [], []
    for part in trunk.split(SEGMENTS_AT_ONCE, dim=1):
        seen = cross.attn.weights(part.flatten(1, 2), words, valid)[0, :, end]
        groups = encoder.fuse(part, text, mask).reshape(-1, GRID * GRID, part.shape[-1])
        text_parts.append(_grid(seen))
        pooling_parts.append(_grid(encoder.vfeat_extractor.spatial_attn_agg.weights(groups)))
    return SegmentAttention(np.concatenate(text_parts), np.concatenate(pooling_parts))


def _grid(values: Tensor) -> NDArray[np.float32]:
    return values.float().reshape(-1, TOKENS_PER_SEGMENT, GRID, GRID).cpu().numpy()


def merge_segments(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one map a time step from overlapping segments, by the mean of those that cover it.

    The paper does not say how it merges them.

    Args:
        values: float32 (segments, 8, 14, 14); a segment starts 4 time steps after the one before.

    Returns:
        float32 (4 * segments + 4, 14, 14).
    """
    count = STEPS_PER_HOP * (len(values) - 1) + TOKENS_PER_SEGMENT
    total, covered = np.zeros((count, GRID, GRID), np.float32), np.zeros((count, 1, 1), np.float32)
    for index, segment in enumerate(values):
        steps = slice(index * STEPS_PER_HOP, index * STEPS_PER_HOP + TOKENS_PER_SEGMENT)
        total[steps] += segment
        covered[steps] += 1
    return total / covered


def attention_map(model: SELVA, video: Path, prompt: str, duration_seconds: float) -> AttentionMap:
    """Return where the model looks in a video for the sound that a prompt names.

    Raises:
        GenerationError: the video cannot be read or is shorter than the duration.
    """
    request = Request(video.stem, video, prompt, "", duration_seconds, seed=0)
    segments = segment_attention(model.video_encoder, model.trunk(request), *model.text_states(prompt))
    return AttentionMap(prompt, merge_segments(segments.product), segments)


def write_attention(
    model: SELVA, video: Path, prompts: Sequence[str], output: Path, *, duration_seconds: float | None = None
) -> AttentionFiles:
    """Write an overlay video and a PNG strip of the maps of one or more prompts, side by side.

    Args:
        model: SELVA, ready to generate.
        video: the video looked at.
        prompts: at least one.
        output: the overlay, .mp4; the strip gets its name with .png.
        duration_seconds: how much of the video; its whole length, 8 s at most, by default.

    Raises:
        ValueError: no prompts, or `output` does not end in .mp4.
        GenerationError: the video cannot be read or is shorter than the duration.
        foundation.media.MediaError: the video has no length.
    """
    if not prompts:
        raise ValueError("prompts: expected at least one")
    if output.suffix.lower() != ".mp4":
        raise ValueError(f"output: expected a .mp4, got {str(output)!r}")
    seconds = duration_seconds or media.picture_seconds(video, at_most=DEFAULT_SECONDS)
    try:  # all that is read comes before the networks run
        frames = _pictures(video, seconds)
        has_sound = media.probe(video).audio is not None
        sound = media.read_audio(video, sample_rate=SOUND_RATE, seconds=seconds) if has_sound else None
    except media.MediaError as error:
        raise GenerationError(str(error)) from error
    maps = [attention_map(model, video, prompt, seconds) for prompt in prompts]
    media.write_video(output, overlaid(frames, maps), fps=SYNC_FPS, waveform=sound, sample_rate=SOUND_RATE)
    strip = output.with_suffix(".png")
    write_strip(frames, maps, strip)
    return AttentionFiles(output, strip)


def overlaid(frames: NDArray[np.uint8], maps: Sequence[AttentionMap]) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame, uint8 (h, w, 3), with every map drawn over it: (h, w * maps, 3), side by side, captioned."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=OVERLAY_HEIGHT // 18)
    heats = [heat(one.values) for one in maps]
    for index, frame in enumerate(frames):
        panels = []
        for one, strength in zip(maps, heats, strict=True):
            step = min(index // FRAMES_PER_STEP, len(strength) - 1)
            panel = Image.fromarray(blend(frame, strength[step]))
            ImageDraw.Draw(panel).text((8, 6), one.prompt, font=font, fill="white", stroke_width=2, stroke_fill="black")
            panels.append(np.asarray(panel))
        yield np.concatenate(panels, axis=1)


def write_strip(frames: NDArray[np.uint8], maps: Sequence[AttentionMap], output: Path) -> None:
    """Write a PNG: a row of evenly spaced frames, uint8 (t, h, w, 3), and under it one row a prompt."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen = np.linspace(0, len(frames) - 1, STRIP_COLUMNS).round().astype(int)
    height, width = frames.shape[1:3]
    rows = len(maps) + 1
    figure = Figure(figsize=(1.8 * STRIP_COLUMNS, rows * (1.8 * height / width + 0.15)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, STRIP_COLUMNS, squeeze=False)
    heats = [heat(one.values) for one in maps]
    for column, index in enumerate(chosen):
        step = min(index // FRAMES_PER_STEP, len(heats[0]) - 1)
        pictures = [frames[index], *(blend(frames[index], strength[step]) for strength in heats)]
        for axis, picture in zip(axes[:, column], pictures, strict=True):
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
        axes[0, column].set_title(f"{index / SYNC_FPS:.1f} s", fontsize=8)
    for axis, one in zip(axes[1:, 0], maps, strict=True):
        axis.set_ylabel(one.prompt, fontsize=8, parse_math=False)
    with replacing(output) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def heat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map scaled to [0, 1] over the whole video, so that its frames compare; the hottest 0.5% are cut off.

    The paper does not say how it scales its colours.

    Args:
        values: float32 of any shape, at least 0; the result has the same shape.
    """
    top = float(np.quantile(values, _BRIGHTEST_QUANTILE))
    return np.clip(values / top, 0, 1).astype(np.float32) if top > 0 else np.zeros_like(values)


def blend(frame: NDArray[np.uint8], strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a heat map (14, 14) in [0, 1] over a frame, uint8 (h, w, 3): the stronger, the less of the frame shows."""
    from matplotlib import colormaps

    height, width = frame.shape[:2]
    smooth = torch.nn.functional.interpolate(
        torch.from_numpy(strength)[None, None], size=(height, width), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    colour = colormaps[COLOUR_MAP](smooth)[..., :3] * 255
    opacity = 0.25 + 0.5 * smooth[..., np.newaxis]
    return (frame * (1 - opacity) + colour * opacity).round().astype(np.uint8)


def _pictures(video: Path, duration_seconds: float) -> NDArray[np.uint8]:
    """Return the frames to draw on, uint8 (t, h, w, 3), of even size."""
    shown_width, shown_height = media.shown_size(video)
    width = round(OVERLAY_HEIGHT * shown_width / shown_height / 2) * 2
    frames = media.read_video(
        video,
        fps=SYNC_FPS,
        seconds=duration_seconds,
        size=(OVERLAY_HEIGHT, width),
        repeat_last=MISSING_FRAMES,
    )
    return frames.transpose(0, 2, 3, 1)
