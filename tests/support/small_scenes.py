"""Scenes of a sixteenth of the pixels, for tests that read scenes and do not judge their picture."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vgg_monoaudio import composition, stretch

WIDTH, HEIGHT = 320, 180


@contextmanager
def small_scenes() -> Iterator[None]:
    """Build scenes of 320x180; at 1280x720 the encoder would take most of the time of many tests."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (composition, stretch):
            patch.setattr(module, "WIDTH", WIDTH)
            patch.setattr(module, "HEIGHT", HEIGHT)
        yield
