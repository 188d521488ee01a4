"""What all figures share: sizes, colours that stay distinct in grey, and files that are the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_INCHES, PAGE_INCHES = 3.4, 7.0  # widths of a column and of a page of a two-column paper
# Steps of equal lightness from dark to light, distinct in grey print too; beyond eight, hatches repeat them.
COLOURS = ("#2b1b52", "#7a1f6b", "#c2415b", "#e8813f", "#f3b957", "#5b7f95", "#8fb0a9", "#c9c3d3")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "oooo", "++++")
INK, SOFT, GRID = "#1c1a22", "#6d6878", "#e4e0e8"
ENOUGH_CONTRAST = 3.5  # of white on a shade; below it, ink has at least 5
SHADES = (
    (0.0, "#2c4a5e"),
    (0.25, COLOURS[5]),
    (0.5, "#ffffff"),
    (0.67, COLOURS[4]),
    (0.83, COLOURS[2]),
    (1.0, COLOURS[0]),
)  # of a grid: one way, neither, the other way
_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,  # letters stay letters in the paper's PDF
    "svg.hashsalt": "monoaudio",
}


@dataclass(frozen=True)
class Drawn:
    """One figure on disk, as vectors and as pixels."""

    pdf: Path
    png: Path


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of this suite; matplotlib's own settings are restored afterwards."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):  # type: ignore[arg-type]  # the stubs list each name as a literal
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure that lays itself out; it has no window and is in no global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def save(figure: Figure, out: Path) -> Drawn:
    """Write `<out>.pdf` and `<out>.png`; the same figure gives the same bytes."""
    drawn = Drawn(out.with_name(f"{out.name}.pdf"), out.with_name(f"{out.name}.png"))
    with replacing(drawn.pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    with replacing(drawn.png) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
    return drawn


def horizontal_bars(axes: Axes, names: Sequence[str], counts: Sequence[int], colour: str = COLOURS[1]) -> None:
    """Draw one bar per name, the first on top, each with its count."""
    places = list(range(len(names)))
    axes.barh(places, counts, color=colour, height=0.66)
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
    for place, count in zip(places, counts, strict=True):
        axes.annotate(f" {count}", (count, place), va="center", fontsize=7, color=INK)
    axes.set_xlim(0, max([*counts, 1]) * 1.15)


def shaded_grid(
    axes: Axes, values: NDArray[np.float64], limits: tuple[float, float], texts: Sequence[Sequence[tuple[str, str]]]
) -> None:
    """Draw values as shaded cells with a text in each; white is the middle of the limits, grey is no value.

    Args:
        axes: to draw in; its ticks are for the caller to name.
        values: shape (rows, columns), NaN where there is none.
        limits: lowest and highest value.
        texts: by row and column: a text, and a smaller one below it or "".
    """
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shades = LinearSegmentedColormap.from_list("shades", SHADES).with_extremes(bad=GRID)
    norm = Normalize(*limits)
    axes.imshow(values, cmap=shades, norm=norm, aspect="auto")
    for (down, across), value in np.ndenumerate(values):
        text, below = texts[down][across]
        ink = _ink_on(shades(norm(value))) if np.isfinite(value) else INK
        axes.text(across, down - (0.14 if below else 0), text, ha="center", va="center", fontsize=7, color=ink)
        if below:
            axes.text(across, down + 0.24, below, ha="center", va="center", fontsize=5, color=ink)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _ink_on(colour: Any) -> str:
    """Return white where it contrasts enough with a colour (red, green, blue, from 0 to 1), else ink; after WCAG 2.1.

    Between two that both contrast enough it is white: a dark page shows a figure with lightness turned round, which
    dims ink on a middle shade and not white.
    """
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (luminance + 0.05) > ENOUGH_CONTRAST else INK


def figure_title(figure: Figure, text: str) -> None:
    """Give a figure of several panels one title, to the left as those of single panels are."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=8.5, fontweight="bold")
