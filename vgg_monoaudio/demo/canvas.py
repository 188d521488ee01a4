"""Flat, smooth-edged shapes on an RGB picture: what the demo films are drawn with."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Point = tuple[float, float]
Pixels = NDArray[np.uint8]
FAINT = 1 / 256  # of full opacity; anything fainter changes no pixel and is skipped
_Plane = NDArray[np.float32]


class Canvas:
    """A picture to paint on, in pixels from the upper left corner.

    A shape is given by the distance of a pixel to its edge (negative inside); pixels within half a pixel of the
    edge are covered in part, which is what makes edges smooth. Only the pixels around a shape are touched, so a
    film costs what moves in it and not what stands still.

    Args:
        pixels: uint8, shape (height, width, 3), RGB; painted in place.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    def _grid(self, left: float, top: float, right: float, bottom: float) -> tuple[Pixels, _Plane, _Plane]:
        """Return the pixels within a box one pixel larger than asked, and the x and y of their centres."""
        height, width = self.pixels.shape[:2]
        x0, x1 = max(0, math.floor(left - 1)), min(width, math.ceil(right + 1))
        y0, y1 = max(0, math.floor(top - 1)), min(height, math.ceil(bottom + 1))
        x0, y0 = min(x0, width), min(y0, height)
        xs = np.arange(x0, max(x0, x1), dtype=np.float32) + np.float32(0.5)
        ys = np.arange(y0, max(y0, y1), dtype=np.float32) + np.float32(0.5)
        return self.pixels[y0 : max(y0, y1), x0 : max(x0, x1)], xs[np.newaxis, :], ys[:, np.newaxis]

    def _cover(self, region: Pixels, coverage: _Plane, colour: Colour) -> None:
        # 7 bits of coverage times 9 bits of difference fit int16, which halves the cost of float32; one plane at a
        # time, because numpy is slow along an axis of three
        share = (coverage * np.float32(128) + np.float32(0.5)).astype(np.int16)
        for channel, wanted in enumerate(colour):
            plane = region[:, :, channel]
            old = plane.astype(np.int16)
            plane[...] = old + (((np.int16(wanted) - old) * share + np.int16(64)) >> 7)

    def _fill(self, region: Pixels, distance: _Plane, colour: Colour, opacity: float) -> None:
        if region.size:
            coverage = np.clip(np.float32(0.5) - distance, 0, 1) * np.float32(min(opacity, 1.0))
            self._cover(region, coverage, colour)

    def ellipse(self, centre: Point, radii: Point, colour: Colour, opacity: float = 1.0) -> None:
        """Fill an ellipse whose axes lie along x and y."""
        if opacity < FAINT:
            return
        (cx, cy), (rx, ry) = centre, (max(radii[0], 0.5), max(radii[1], 0.5))
        region, xs, ys = self._grid(cx - rx, cy - ry, cx + rx, cy + ry)
        self._fill(region, _to_ellipse(xs - cx, ys - cy, rx, ry), colour, opacity)

    def disc(self, centre: Point, radius: float, colour: Colour, opacity: float = 1.0) -> None:
        """Fill a circle."""
        self.ellipse(centre, (radius, radius), colour, opacity)

    def ring(self, centre: Point, radii: Point, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """Draw the outline of an ellipse, `width` pixels thick."""
        if opacity < FAINT:
            return
        (cx, cy), (rx, ry) = centre, (max(radii[0], 0.5), max(radii[1], 0.5))
        region, xs, ys = self._grid(cx - rx - width, cy - ry - width, cx + rx + width, cy + ry + width)
        self._fill(region, np.abs(_to_ellipse(xs - cx, ys - cy, rx, ry)) - np.float32(width / 2), colour, opacity)

    def line(self, start: Point, end: Point, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """Draw a straight stroke with round ends."""
        if opacity < FAINT:
            return
        (ax, ay), (bx, by), reach = start, end, width / 2
        region, xs, ys = self._grid(min(ax, bx) - reach, min(ay, by) - reach, max(ax, bx) + reach, max(ay, by) + reach)
        length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-6)
        along = np.clip(((xs - ax) * (bx - ax) + (ys - ay) * (by - ay)) / length, 0, 1)
        distance = np.sqrt((xs - ax - along * (bx - ax)) ** 2 + (ys - ay - along * (by - ay)) ** 2) - reach
        self._fill(region, distance.astype(np.float32, copy=False), colour, opacity)

    def path(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw strokes from point to point."""
        for start, end in pairwise(points):
            self.line(start, end, width, colour)

    def polygon(self, corners: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
        """Fill a convex polygon, its corners in either direction of turn."""
        xs_all, ys_all = [x for x, _ in corners], [y for _, y in corners]
        region, xs, ys = self._grid(min(xs_all), min(ys_all), max(xs_all), max(ys_all))
        turned = [*corners[1:], corners[0]]
        area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(corners, turned, strict=True))
        side = math.copysign(1.0, area)
        distance = np.full(np.broadcast_shapes(xs.shape, ys.shape), -np.inf, dtype=np.float32)
        for (ax, ay), (bx, by) in zip(corners, turned, strict=True):
            nx, ny = side * (by - ay), side * (ax - bx)
            norm = math.hypot(nx, ny)
            if norm > 0:
                np.maximum(distance, ((xs - ax) * (nx / norm) + (ys - ay) * (ny / norm)), out=distance)
        self._fill(region, distance, colour, opacity)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle whose edges fall on whole pixels."""
        rows = slice(max(0, round(top)), max(0, round(bottom)))
        self.pixels[rows, max(0, round(left)) : max(0, round(right))] = colour

    def glow(self, centre: Point, radius: int, colour: Colour, opacity: float) -> None:
        """Lay a soft light over the picture, full at the centre (a whole pixel) and gone at `radius`."""
        if opacity < FAINT:
            return
        x, y = round(centre[0]) - radius, round(centre[1]) - radius
        height, width = self.pixels.shape[:2]
        left, top, right, bottom = max(0, x), max(0, y), min(width, x + 2 * radius + 1), min(height, y + 2 * radius + 1)
        if left < right and top < bottom:
            fade = _fade(radius)[top - y : bottom - y, left - x : right - x]
            self._cover(self.pixels[top:bottom, left:right], fade * np.float32(min(opacity, 1.0)), colour)


def _to_ellipse(x: _Plane, y: _Plane, rx: float, ry: float) -> _Plane:
    """Return the distance to an ellipse around the origin: exact for a circle, to first order near the edge else."""
    if rx == ry:
        return np.asarray(np.sqrt(x * x + y * y) - np.float32(rx), dtype=np.float32)
    across, down = x / np.float32(rx), y / np.float32(ry)
    reach = np.sqrt(across * across + down * down)
    across, down = across / np.float32(rx), down / np.float32(ry)
    slope = np.sqrt(across * across + down * down)
    return np.asarray((reach - 1) * reach / np.maximum(slope, np.float32(1e-6)), dtype=np.float32)


@lru_cache(maxsize=8)
def _fade(radius: int) -> _Plane:
    """Return the light around a lamp, (2 radius + 1, 2 radius + 1), 1 in the middle and 0 at the radius."""
    away = np.arange(-radius, radius + 1, dtype=np.float32) / np.float32(radius)
    share = np.clip(1 - np.sqrt(away[np.newaxis, :] ** 2 + away[:, np.newaxis] ** 2), 0, 1)
    return np.asarray(share * share, dtype=np.float32)


def gradient(width: int, height: int, top: Colour, bottom: Colour) -> Pixels:
    """Return a picture, uint8 (height, width, 3), that goes from one colour above to another below."""
    share = (np.arange(height) / max(height - 1, 1))[:, np.newaxis]
    column = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
    return np.repeat(np.rint(column).astype(np.uint8)[:, np.newaxis, :], width, axis=1)
