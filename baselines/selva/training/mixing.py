"""Self-augmentation: two clips of a batch side by side, as in a scene of the benchmark.

Source:
    Left-over training code of jnwnlee/selva @ 70a8589: clip i with clip b - 1 - i, the own part on the left. Equal to
    it to the grey level on a CPU; a GPU rounds one pixel in 500 to the neighbouring level. What the code leaves open
    (the other side, the share, the distribution of the ratio) is `recipe.Mixing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from baselines.mmaudio.frames import scaled
from baselines.selva.training.recipe import Mixing

Side = Literal["left", "right", "random"]
SIDES: tuple[Side, ...] = get_args(Side)

SMALLEST_RATIO = 0.05  # of one that is drawn: a narrower strip shows nothing
_SEEDS = 2**63 - 1


def mix_clips(
    frames: Tensor,
    *,
    ratio: float,
    share: float = 1.0,
    side: Side = "left",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the clips, the first of them mixed with those at the other end of the batch.

    Clip i is squeezed to a share of the width, clip b - 1 - i to the rest. As both are in the batch, each is once the
    target and once the other one, if all are mixed.

    Args:
        frames: uint8 (b, t, 3, h, w), b even; left as they are.
        ratio: of the width that the own part takes, in (0, 1]; its columns are rounded down.
        share: of the batch that is mixed, in [0, 1]: the first int(share * b) clips. The others stay unmixed.
        side: where the own part stands; "random" draws a side for each clip.
        generator: of the random sides.

    Returns:
        uint8 (b, t, 3, h, w), on the device of the frames.

    Raises:
        ValueError: other frames, an odd batch, a value out of range, or random sides without a generator.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected 0 to 1, got {share}")
    batch = len(frames)
    mixed = [place < int(share * batch) for place in range(batch)]
    return mix_chosen(frames, ratio=ratio, mixed=mixed, on_the_right=sides(batch, side, generator))


def mix_chosen(frames: Tensor, *, ratio: float, mixed: Sequence[bool], on_the_right: Sequence[bool]) -> Tensor:
    """Return the clips, mixed where this is said for each; see `mix_clips`.

    Args:
        frames: uint8 or float (b, t, 3, h, w), b even; left as they are. Of float ones nothing is rounded or clipped.
        ratio: of the width that the own part takes, in (0, 1].
        mixed: for each clip, whether clip b - 1 - i is put beside it.
        on_the_right: for each clip, whether its own part stands there.

    Raises:
        ValueError: other frames, an odd batch, another number of choices, or a ratio that leaves no column.
    """
    if not (frames.dtype == torch.uint8 or frames.is_floating_point()) or frames.ndim != 5 or frames.shape[2] != 3:
        raise ValueError(f"frames: expected uint8 or float (b, t, 3, h, w), got {frames.dtype} {tuple(frames.shape)}")
    batch, width = len(frames), frames.shape[-1]
    if batch % 2:
        raise ValueError(f"frames: clips are mixed in pairs; expected an even batch, got {batch}")
    if len(mixed) != batch or len(on_the_right) != batch:
        raise ValueError(f"choices: expected one for each of {batch} clips, got {len(mixed)} and {len(on_the_right)}")
    own = int(ratio * width)
    if not 1 <= own <= width:
        raise ValueError(f"ratio: expected a share of {width} columns, at least one of them, got {ratio}")
    out = frames.clone()
    if own == width:
        return out  # nothing of the other clip is seen

    @cache  # at half the width a clip serves twice: as the own part, and as its partner's other one
    def squeezed(place: int, columns: int) -> Tensor:
        return scaled(frames[place], [frames.shape[-2], columns])

    for place in range(batch):
        if mixed[place]:
            parts = [squeezed(place, own), squeezed(batch - 1 - place, width - own)]
            out[place] = torch.cat(parts[::-1] if on_the_right[place] else parts, dim=-1)
    return out


def sides(batch: int, side: Side, generator: torch.Generator | None = None) -> list[bool]:
    """Return for each clip of a batch whether its own part stands on the right.

    Raises:
        ValueError: an unknown side, or random ones without a generator.
    """
    if side not in SIDES:
        raise ValueError(f"side: expected one of {', '.join(SIDES)}, got {side!r}")
    if side != "random":
        return [side == "right"] * batch
    if generator is None:
        raise ValueError('side: "random" needs a generator to draw the sides from')
    return [bool(drawn) for drawn in torch.randint(2, (batch,), generator=generator, device=generator.device)]


def draw_ratio(mixing: Mixing, generator: torch.Generator) -> float:
    """Return the share of the width that the own part takes: the recipe's, or one from Beta(alpha, alpha).

    Args:
        mixing: `ratio` where it is fixed, else `alpha`; a drawn ratio is at least 0.05 and has no upper limit.
        generator: touched only where a ratio is drawn.
    """
    if mixing.ratio is not None:
        return mixing.ratio
    if mixing.alpha is None:
        raise ValueError("mixing: expected a ratio or an alpha, got neither")
    # torch draws from a beta distribution with its global generator only, so a seed is drawn and numpy draws the rest.
    seed = int(torch.randint(_SEEDS, (), generator=generator, device=generator.device))
    return max(SMALLEST_RATIO, float(np.random.default_rng(seed).beta(mixing.alpha, mixing.alpha)))
