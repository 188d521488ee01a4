"""The shape in which a picture is shown: turned, mirrored, with square pixels, as ffmpeg shows it."""

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError
from foundation.media.display import display_size

HEIGHT, WIDTH = 48, 64


def ffmpeg(*arguments: object) -> bytes:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


def corners(_: int) -> np.ndarray:
    """A picture that looks different in every position: its quarters are of four greys."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for place, grey in enumerate((30, 90, 150, 210)):
        rows, columns = divmod(place, 2)
        picture[rows * 24 : rows * 24 + 24, columns * 32 : columns * 32 + 32] = grey
    return picture


@pytest.fixture(scope="module")
def upright(film, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("display")
    return film.write(folder / "upright.mp4", seconds=0.4, picture=corners, sound=film.noise(0.4, seed=1))


def as_shown(path: Path, *, size: tuple[int, int]) -> np.ndarray:
    """The first frame as ffmpeg's command line shows it, (height, width, 3)."""
    shown = ffmpeg("-i", path, "-frames:v", 1, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(shown, np.uint8).reshape(*size, 3)


MATRICES = {
    "turned by 90": ("-display_rotation", 90),
    "turned by 180": ("-display_rotation", 180),
    "turned by 270": ("-display_rotation", 270),
    "mirrored left and right": ("-display_hflip",),
    "mirrored up and down": ("-display_vflip",),
    "turned by 90 and mirrored": ("-display_rotation", 90, "-display_hflip"),
    "turned by 270 and mirrored": ("-display_rotation", 270, "-display_hflip"),
    "turned by 90 and mirrored up and down": ("-display_rotation", 90, "-display_vflip"),
}


@pytest.mark.parametrize("options", MATRICES.values(), ids=MATRICES)
def test_a_turned_and_mirrored_picture_stands_as_ffmpeg_shows_it(upright, tmp_path, options):
    path = tmp_path / "shown.mp4"
    ffmpeg(*options, "-i", upright, "-c", "copy", path)
    size = (WIDTH, HEIGHT) if {90, 270} & set(options) else (HEIGHT, WIDTH)
    expected = as_shown(path, size=size).astype(int)
    (ours,) = media.read_video(path, fps=25, seconds=0.04)
    # Edges and chroma of turned and unturned planes are rounded differently, by a step or two.
    np.testing.assert_allclose(ours.transpose(1, 2, 0), expected, atol=3)
    (squashed,) = media.read_video(path, fps=25, seconds=0.04, size=(40, 40))
    np.testing.assert_allclose(
        squashed[0, 10::20, 10::20], expected[size[0] // 4 :: size[0] // 2, :, 0][:, [10, -10]], atol=4
    )


def with_matrix(path: Path, *values: float) -> Path:
    """Write a display matrix (a, b, c, d) into the picture's header of an mp4."""
    content = bytearray(path.read_bytes())
    head = content.index(b"tkhd") + 4  # version 0: 40 bytes stand before the matrix
    a, b, c, d = (round(value * 65_536) for value in values)
    content[head + 40 : head + 76] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def test_a_picture_that_asks_for_another_angle_is_refused(upright, tmp_path):
    (tmp_path / "askew.mp4").write_bytes(upright.read_bytes())
    askew = with_matrix(tmp_path / "askew.mp4", 0.866, 0.5, -0.5, 0.866)
    with pytest.raises(
        MediaError, match=r"askew\.mp4: its picture asks to be turned by 30 degrees; only quarter turns"
    ):
        media.read_video(askew, fps=25)


def test_a_matrix_that_only_mirrors_is_seen_although_its_rotation_says_otherwise(upright, tmp_path):
    (tmp_path / "flip.mp4").write_bytes(upright.read_bytes())
    flip = with_matrix(tmp_path / "flip.mp4", -1, 0, 0, 1)
    plain, flipped = (media.read_video(path, fps=25, seconds=0.04)[0] for path in (upright, flip))
    np.testing.assert_array_equal(flipped, plain[:, :, ::-1])


@pytest.mark.parametrize(("aspect", "width"), [("4/3", 85), ("3/4", 48), ("16/11", 93), ("1/1", 64)])
def test_pixels_that_are_not_square_are_made_square_where_the_shape_is_kept(upright, tmp_path, aspect, width):
    path = tmp_path / "oblong.mp4"
    ffmpeg("-i", upright, "-vf", f"setsar={aspect}", "-c:a", "copy", "-crf", 4, path)
    assert media.read_video(path, fps=25, seconds=0.04).shape == (1, 3, HEIGHT, width)
    assert media.probe(path).video.pixel_aspect == pytest.approx(float(Fraction(aspect)))
    assert media.survey(path).shown_size == media.shown_size(path) == (width, HEIGHT)
    # Squashed to a size, a stored picture is what it always was.
    assert media.read_video(path, fps=25, seconds=0.04, size=(24, 24)).shape == (1, 3, 24, 24)


def test_a_turned_picture_of_oblong_pixels_is_stretched_before_it_is_turned(upright, tmp_path):
    ffmpeg("-i", upright, "-vf", "setsar=4/3", tmp_path / "oblong.mp4")
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "oblong.mp4", "-c", "copy", tmp_path / "turned.mp4")
    assert media.read_video(tmp_path / "turned.mp4", fps=25, seconds=0.04).shape == (1, 3, 85, HEIGHT)
    assert media.shown_size(tmp_path / "turned.mp4") == (HEIGHT, 85)
    media.mux(tmp_path / "turned.mp4", np.zeros(6400, np.float32), 16_000, tmp_path / "new.mp4")
    assert media.read_video(tmp_path / "new.mp4", fps=25, seconds=0.04).shape == (1, 3, 85, HEIGHT)


def test_pixels_that_no_camera_makes_are_refused():
    with pytest.raises(MediaError, match=r"a\.mp4: its pixels are 1000:1 \(width:height\); expected .* 1:10 and 10:1"):
        display_size("a.mp4", 64, 48, Fraction(1000), (65_536, 0, 0, 65_536))
