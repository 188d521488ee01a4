import shutil
from dataclasses import replace

import numpy as np
import pytest

from benchmark.report import collect
from benchmark.report.figures.drawing import style
from benchmark.report.figures.panels import FRAMES, sample_panel
from benchmark.report.samples import read_samples
from benchmark.report.spectrograms import MEL_BANDS
from foundation.media import MediaError, write_audio, write_video


@pytest.fixture(scope="module")
def inter(made):
    results = collect(made.runs)
    return next(part for part in read_samples(results) if part.subset == "inter"), results.of("inter")


def with_sample(part, place, **values):
    listing = part.listing.copy()
    for name, value in values.items():
        listing.loc[place, name] = value
    return replace(part, listing=listing)


def outlines(axes):
    """Left edges of the outlines on the frames, as a share of the frame that each is on."""
    return [patch.get_x() for patch in axes.patches]


@pytest.mark.parametrize(("place", "side"), [(0, "left"), (1, "right")])
def test_the_target_s_half_is_outlined_on_every_frame(made, inter, place, side):
    part, rows = inter
    film = sample_panel(part, place, rows[:1], made.benchmark).axes[0]
    starts = [image.get_extent()[0] for image in film.images]
    width = film.images[0].get_extent()[1] - starts[0]
    expected = [start + (0 if side == "left" else width / 2) for start in starts]
    assert len(film.patches) == FRAMES
    assert outlines(film) == pytest.approx(expected)


def test_a_single_clip_has_no_outline_and_no_other_sound_in_its_title(made, inter):
    part, rows = inter
    alone = with_sample(part, 0, target_side="", paired_label="", paired_id="")
    film = sample_panel(alone, 0, rows[:1], made.benchmark).axes[0]
    assert len(film.patches) == 0
    assert film.get_title() == "“dog barking”"


@pytest.mark.parametrize(("height", "width"), [(180, 320), (240, 240), (320, 180)], ids=["wide", "square", "upright"])
@pytest.mark.parametrize("models", [1, 5])
def test_frames_keep_the_shape_of_the_film_and_lie_over_the_time_axis(made, inter, tmp_path, height, width, models):
    part, rows = inter
    shutil.copytree(made.benchmark / "sources", tmp_path / "sources")
    picture = np.full((height, width, 3), 90, np.uint8)
    write_video(tmp_path / "inter" / "video" / f"{part.ids[0]}.mp4", [picture] * 50, fps=25)
    named = [replace(row, model=f"{row.model} with a long name") for row in rows[:models]]
    with style():
        figure = sample_panel(part, 0, named, tmp_path)
        figure.savefig(tmp_path / "panel.png", dpi=100)  # so that it is laid out
        film, strip = figure.axes[:2]
        boxes = [image.get_window_extent() for image in film.images]
        assert [box.width / box.height for box in boxes] == pytest.approx([width / height] * FRAMES, rel=0.01)
        ends = [(axes.get_window_extent().x0, axes.get_window_extent().x1) for axes in (film, strip)]
    assert ends[0] == pytest.approx(ends[1], abs=0.5)
    assert film.images[0].get_array().shape[:2] == (180, round(180 * width / height))


def test_the_title_names_both_sounds(made, inter):
    part, rows = inter
    film = sample_panel(part, 0, rows[:1], made.benchmark).axes[0]
    assert film.get_title() == "“dog barking” beside “playing harp”"


def test_frames_are_spread_over_the_whole_scene(made, inter, world):
    part, rows = inter
    film = sample_panel(part, 0, rows[:1], made.benchmark).axes[0]
    middles = [np.mean(image.get_extent()[:2]) for image in film.images]
    step = world.SECONDS / FRAMES
    assert middles == pytest.approx([(place + 0.5) * step for place in range(FRAMES)])


def test_a_strip_shows_the_spectrogram_and_the_level_of_its_file(made, inter, world):
    part, rows = inter
    strip = sample_panel(part, 0, rows[:1], made.benchmark).axes[1]
    (picture,) = strip.images
    assert picture.get_array().shape == (MEL_BANDS, round(80 * world.SECONDS))
    time, level = strip.lines[0].get_data()
    assert 0 < time.min() < time.max() < world.SECONDS
    assert 0 <= level.min() < level.max() == pytest.approx(0.92)


def test_an_answer_shorter_than_the_scene_ends_where_it_ends(made, inter, world, tmp_path):
    part, _ = inter
    run = world.write_run(tmp_path, "tiny-foley", audio=True)
    write_audio(run.audio(part.ids[0]), world.tone(300, seconds=1.0), 16_000)
    strip = sample_panel(part, 0, collect([run]).rows, made.benchmark).axes[2]
    assert strip.images[0].get_extent()[1] == pytest.approx(1.0)
    assert strip.get_xlim() == (0.0, world.SECONDS)


def test_a_silent_answer_lies_at_the_bottom(made, inter, world, tmp_path):
    part, _ = inter
    run = world.write_run(tmp_path, "tiny-foley", audio=True)
    write_audio(run.audio(part.ids[0]), np.zeros(32_000, np.float32), 16_000)
    strip = sample_panel(part, 0, collect([run]).rows, made.benchmark).axes[2]
    assert strip.lines[0].get_ydata().max() == pytest.approx(0.04)


def test_captions_stand_below_the_names_of_their_models(made, inter):
    part, rows = inter
    figure = sample_panel(part, 0, rows[:2], made.benchmark, captions={rows[1].key: "KL 1.2"})
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == [rows[0].model, f"{rows[1].model}\nKL 1.2"]


def test_without_scene_or_target_there_is_no_panel(made, inter, tmp_path):
    part, rows = inter
    with pytest.raises(MediaError):
        sample_panel(part, 0, rows[:1], tmp_path)
    unknown = with_sample(part, 0, target_id="none0000000_000000")
    with pytest.raises(MediaError, match="none0000000_000000"):
        sample_panel(unknown, 0, rows[:1], made.benchmark)
