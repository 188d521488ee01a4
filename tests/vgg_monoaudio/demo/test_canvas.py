"""Shapes on a picture: where they cover, how their edges fade, and that nothing is painted outside."""

import numpy as np
import pytest

from vgg_monoaudio.demo.canvas import Canvas, gradient

RED = (200, 0, 0)


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(np.zeros((40, 60, 3), np.uint8))


def test_a_disc_covers_its_area_and_its_edge_is_smooth(canvas):
    canvas.disc((30, 20), 12, RED)
    red = canvas.pixels[..., 0].astype(float)
    assert red.sum() / 200 == pytest.approx(np.pi * 12**2, rel=0.01)  # an edge pixel counts by its part
    assert red[20, 30] == 200
    assert ((red > 0) & (red < 200)).any()
    assert canvas.pixels[..., 1:].max() == 0


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda canvas, x, y: canvas.disc((x, y), 5, RED), id="disc"),
        pytest.param(lambda canvas, x, y: canvas.ring((x, y), (6, 4), 2, RED), id="ring"),
        pytest.param(lambda canvas, x, y: canvas.line((x, y), (x + 9, y + 3), 3, RED), id="line"),
        pytest.param(lambda canvas, x, y: canvas.polygon([(x, y), (x + 9, y), (x, y + 9)], RED), id="polygon"),
        pytest.param(lambda canvas, x, y: canvas.box(x, y, x + 5, y + 5, RED), id="box"),
        pytest.param(lambda canvas, x, y: canvas.glow((x, y), 6, RED, 1.0), id="glow"),
    ],
)
def test_a_shape_is_cut_at_the_border_and_one_outside_paints_nothing(canvas, draw):
    draw(canvas, 200, 200)
    draw(canvas, -200, -200)
    assert canvas.pixels.max() == 0
    whole = Canvas(np.zeros((80, 100, 3), np.uint8))  # the same picture with a margin of 20 around it
    draw(canvas, 56, 36)
    draw(whole, 76, 56)
    np.testing.assert_array_equal(canvas.pixels, whole.pixels[20:60, 20:80])
    assert canvas.pixels.max() > 0


def test_a_faint_shape_changes_nothing_and_half_opacity_mixes_half(canvas):
    canvas.ellipse((30, 20), (9, 9), RED, 1 / 300)
    canvas.line((0, 0), (50, 30), 4, RED, 0.0)
    canvas.ring((30, 20), (9, 9), 3, RED, 0.0)
    canvas.glow((30, 20), 9, RED, 0.0)
    assert canvas.pixels.max() == 0
    canvas.disc((30, 20), 9, RED, 0.5)
    assert canvas.pixels[20, 30, 0] == 100


def test_a_polygon_is_the_same_in_either_direction_of_turn(canvas):
    corners = [(10.0, 5.0), (40.0, 8.0), (30.0, 30.0)]
    other = Canvas(np.zeros_like(canvas.pixels))
    canvas.polygon(corners, RED)
    other.polygon(corners[::-1], RED)
    np.testing.assert_array_equal(canvas.pixels, other.pixels)


def test_a_glow_is_full_in_the_middle_and_gone_at_its_radius(canvas):
    canvas.glow((30, 20), 10, RED, 1.0)
    row = canvas.pixels[20, :, 0].astype(int)
    assert row[30] == 200
    assert (np.diff(row[30:41]) < 0).all()
    assert row[40] == row[20] == 0


def test_a_gradient_goes_from_one_colour_above_to_another_below():
    picture = gradient(3, 5, (0, 0, 0), (100, 200, 40))
    assert picture.shape == (5, 3, 3)
    assert picture[0].max() == 0
    np.testing.assert_array_equal(picture[2, 0], (50, 100, 20))
    np.testing.assert_array_equal(picture[4, 2], (100, 200, 40))
    assert gradient(2, 1, (1, 2, 3), (9, 9, 9)).tolist() == [[[1, 2, 3]] * 2]
