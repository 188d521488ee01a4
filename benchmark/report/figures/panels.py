"""Figure D8 of the paper: the frames of one sample and the answer of every model, on one time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.report.figures.drawing import INK, PAGE_INCHES, SOFT, new_figure
from benchmark.report.spectrograms import FLOOR_DB, level_curve, mel_decibels, palette
from foundation.media import MediaError, read_audio_native, read_video

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.report.results import Row
    from benchmark.report.samples import Samples

TARGET = "Target"
FRAMES = 8
FRAME_HEIGHT = 180  # pixels; the width follows from the shape of the film
GAP = 0.015  # left free on every side of a frame, as a share of its place
STRIP_INCHES, BETWEEN_INCHES, AROUND_INCHES = 0.47, 0.1, 0.55  # height of a sound, between two, of title and time axis
FRAMES_PER_SECOND = 25
COLUMNS_PER_SECOND = 80


def sample_panel(
    part: Samples,
    place: int,
    rows: Sequence[Row],
    benchmark: Path,
    *,
    captions: Mapping[str, str] | None = None,
    reference: bool = True,
) -> Figure:
    """Return frames of the scene above mel spectrograms of target and answers, each with its level as a dotted line.

    Args:
        part: samples of one subset.
        place: which of them.
        rows: the runs to show, in order; the strip of one without an answer says why.
        benchmark: the benchmark directory.
        captions: what to write below a model's name, by its key.
        reference: whether there is a target to show; a benchmark without reference sounds has none.

    Raises:
        foundation.media.MediaError: scene or target cannot be read.
    """
    sample = part.listing.iloc[place]
    name = str(sample["sample_id"])
    strips = [(TARGET, benchmark / "sources" / f"{sample['target_id']}.wav")] if reference else []
    below = {key: f"\n{text}" for key, text in (captions or {}).items()}
    strips += [(row.model + below.get(row.key, ""), row.run.audio(name)) for row in rows if row.run is not None]
    film = _read_film(benchmark / part.subset / "video" / f"{name}.mp4")
    seconds = len(film) / FRAMES_PER_SECOND
    film_inches = PAGE_INCHES / FRAMES / _shape(film)  # of frames as wide as the page: never too low for those drawn
    heights = [film_inches, *[STRIP_INCHES] * len(strips)]
    figure = new_figure(PAGE_INCHES, AROUND_INCHES + sum(heights) + BETWEEN_INCHES * len(heights))
    panels = figure.subplots(len(strips) + 1, 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_film(panels[0], film, seconds, str(sample["target_side"]))
    between = "beside" if sample["target_side"] else "not"  # a single clip shows what is not asked for
    beside = f" {between} “{sample['paired_label']}”" if sample["paired_label"] else ""
    panels[0].set_title(f"“{sample['label']}”{beside}")
    for axes, (label, path) in zip(panels[1:], strips, strict=True):
        try:
            _sound(axes, path, seconds)
        except MediaError as error:
            if label == TARGET:
                raise
            axes.text(seconds / 2, 0.5, f"no answer: {error.reason}", ha="center", va="center", fontsize=7, color=SOFT)
            axes.set_ylim(0, 1)
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7, color=INK)
        axes.set_xlim(0, seconds)
        axes.set_yticks([])
        axes.tick_params(axis="x", labelbottom=axes is panels[-1], length=2 if axes is panels[-1] else 0)
        axes.spines[:].set_visible(False)
    panels[-1].set_xlabel("time [s]; dotted: root-mean-square level")
    return figure


def _read_film(path: Path) -> NDArray[np.uint8]:
    """Return the frames of a scene, uint8 (frames, 3, height, width), small and in the shape of the film."""
    first = read_video(path, fps=FRAMES_PER_SECOND, seconds=1 / FRAMES_PER_SECOND)
    width = max(1, round(FRAME_HEIGHT * _shape(first)))
    return read_video(path, fps=FRAMES_PER_SECOND, size=(FRAME_HEIGHT, width))


def _shape(film: NDArray[np.uint8]) -> float:
    """Return the width of frames over their height."""
    return film.shape[3] / film.shape[2]


def _draw_film(axes: Axes, film: NDArray[np.uint8], seconds: float, target_side: str) -> None:
    """Draw frames side by side, each over its share of the time axis and in its own shape."""
    from matplotlib.patches import Rectangle

    step = seconds / FRAMES
    for at in range(FRAMES):
        frame = film[min(len(film) - 1, round((at + 0.5) * step * FRAMES_PER_SECOND))].transpose(1, 2, 0)
        left, width = (at + GAP) * step, (1 - 2 * GAP) * step
        # The box below is a row of frames, so a place in it has the shape of a frame, and so has the same share of it.
        axes.imshow(frame, extent=(left, left + width, GAP, 1 - GAP), aspect="auto", interpolation="lanczos")
        if target_side in ("left", "right"):
            half = left + (0 if target_side == "left" else width / 2)
            axes.add_patch(
                Rectangle((half, GAP), width / 2, 1 - 2 * GAP, fill=False, edgecolor="#2fd0ae", linewidth=1.1)
            )
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, 1)
    axes.set_box_aspect(1 / (FRAMES * _shape(film)))
    axes.axis("off")


def _sound(axes: Axes, path: Path, seconds: float) -> None:
    from matplotlib.colors import ListedColormap

    audio = read_audio_native(path)
    waveform = audio.samples.mean(axis=0, dtype=np.float32)[: round(seconds * audio.sample_rate)]
    decibels = mel_decibels(waveform, audio.sample_rate, columns_per_second=COLUMNS_PER_SECOND)
    length = waveform.size / audio.sample_rate
    axes.imshow(
        decibels, origin="lower", aspect="auto", extent=(0, length, 0, 1), vmin=FLOOR_DB, vmax=0,
        cmap=ListedColormap((palette() / 255).tolist()), interpolation="nearest",
    )  # fmt: skip
    level = level_curve(waveform, audio.sample_rate)
    loudest = max(float(level.max()), 1e-4)  # keeps silence at the bottom
    time = (np.arange(len(level)) + 0.5) * length / len(level)
    axes.plot(time, 0.04 + 0.88 * level / loudest, color="white", linewidth=0.9, linestyle=(0, (1, 1.6)))
    axes.set_ylim(0, 1)
