"""Figure D8 of the paper: the frames of one sample and the answer of every model, on one time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.report.figures.drawing import INK, PAGE_INCHES, SOFT, new_figure
from benchmark.report.spectrograms import FLOOR_DB, level_curve, mel_decibels, palette
from foundation.media import MediaError, read_audio_native, read_video

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.report.results import Row
    from benchmark.report.samples import Samples

FRAMES = 8
FRAME_SIZE = (180, 320)  # height, width
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
    strips = [("target", benchmark / "sources" / f"{sample['target_id']}.wav")] if reference else []
    below = {key: f"\n{text}" for key, text in (captions or {}).items()}
    strips += [(row.model + below.get(row.key, ""), row.run.audio(name)) for row in rows if row.run is not None]
    figure = new_figure(PAGE_INCHES, 1.0 + 0.52 * len(strips))
    heights = [1.05, *[0.75] * len(strips)]
    panels = figure.subplots(len(strips) + 1, 1, height_ratios=heights, squeeze=False)[:, 0]
    seconds = _film(panels[0], benchmark / part.subset / "video" / f"{name}.mp4", str(sample["target_side"]))
    between = "beside" if sample["target_side"] else "not"  # a single clip shows what is not asked for
    beside = f" {between} “{sample['paired_label']}”" if sample["paired_label"] else ""
    panels[0].set_title(f"“{sample['label']}”{beside}")
    for axes, (label, path) in zip(panels[1:], strips, strict=True):
        try:
            _sound(axes, path, seconds)
        except MediaError as error:
            if label == "target":
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


def _film(axes: Axes, path: Path, target_side: str) -> float:
    """Draw frames side by side, each over its share of the time axis; return the length of the scene in seconds."""
    from matplotlib.patches import Rectangle

    frames = read_video(path, fps=25, size=FRAME_SIZE)
    seconds = len(frames) / 25
    step = seconds / FRAMES
    for at in range(FRAMES):
        frame = frames[min(len(frames) - 1, round((at + 0.5) * step * 25))].transpose(1, 2, 0)
        start, gap = at * step, step * 0.015
        axes.imshow(frame, extent=(start + gap, start + step - gap, 0, 1), aspect="auto", interpolation="lanczos")
        if target_side in ("left", "right"):
            left = start + gap + (0 if target_side == "left" else (step - 2 * gap) / 2)
            axes.add_patch(
                Rectangle((left, 0.01), (step - 2 * gap) / 2, 0.98, fill=False, edgecolor="#2fd0ae", linewidth=1.1)
            )
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, 1)
    axes.axis("off")
    return seconds


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
