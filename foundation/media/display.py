"""The shape in which a stored picture is shown: pixels that are not square, pictures that are turned or mirrored."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.opening import MediaError

Matrix = tuple[int, int, int, int]
"""(a, b, c, d): a stored point (x, y) is shown at (ax + cy, bx + dy); y points down, 65,536 stands for 1."""

_UPRIGHT: Matrix = (65_536, 0, 0, 65_536)
_ONE_DEGREE = 0.0175  # its tangent: what ffmpeg takes for a quarter turn
_FLATTEST = 10  # pixels more oblong than 1:10 are damage, not a format


def display_matrix(path: PathLike, frame: Any) -> Matrix:
    """Return how a decoded frame is to be turned and mirrored.

    Raises:
        MediaError: by another angle than a quarter turn.
    """
    if not frame.side_data:
        return _UPRIGHT
    from av.sidedata.sidedata import Type

    found = frame.side_data.get(Type.DISPLAYMATRIX)
    if found is None:
        return _UPRIGHT
    a, b, _, c, d = struct.unpack("=5i", bytes(found)[:20])
    if not any((a, b, c, d)):
        return _UPRIGHT
    if min(abs(a), abs(b)) > _ONE_DEGREE * max(abs(a), abs(b)) or min(abs(c), abs(d)) > _ONE_DEGREE * max(
        abs(c), abs(d)
    ):
        angle = float(np.degrees(np.arctan2(b, a)))
        raise MediaError(path, f"its picture asks to be turned by {angle:.0f} degrees; only quarter turns are read")
    return a, b, c, d


def is_turned(matrix: Matrix) -> bool:
    """Tell whether width and height change places."""
    return abs(matrix[1]) > abs(matrix[0])


def upright(picture: NDArray[Any], matrix: Matrix) -> NDArray[Any]:
    """Return a picture (height, width, ...) as it is to be shown, as ffmpeg's autorotation does it."""
    a, b, c, d = matrix
    if is_turned(matrix):
        picture, a, d = np.swapaxes(picture, 0, 1), c, b
    rows, columns = (slice(None, None, -1 if step < 0 else 1) for step in (d, a))
    return np.ascontiguousarray(picture[rows, columns])


def display_size(path: PathLike, width: int, height: int, pixel_aspect: Fraction, matrix: Matrix) -> tuple[int, int]:
    """Return (width, height) of a picture with square pixels, as it is shown; the stored height is kept.

    Args:
        path: for the message.
        width: as stored.
        height: as stored.
        pixel_aspect: width of a stored pixel over its height.
        matrix: of `display_matrix`.

    Raises:
        MediaError: pixels that no camera or disc makes.
    """
    if not Fraction(1, _FLATTEST) <= pixel_aspect <= _FLATTEST:
        wrong = f"its pixels are {pixel_aspect.numerator}:{pixel_aspect.denominator} (width:height)"
        raise MediaError(path, f"{wrong}; expected something between 1:{_FLATTEST} and {_FLATTEST}:1")
    shown = max(1, int(width * pixel_aspect + Fraction(1, 2)))
    return (height, shown) if is_turned(matrix) else (shown, height)


def pixel_aspect(stream: Any) -> Fraction:
    """Return width over height of a stream's pixels; 1 where the file does not say."""
    found = stream.sample_aspect_ratio
    return Fraction(found) if found else Fraction(1)
