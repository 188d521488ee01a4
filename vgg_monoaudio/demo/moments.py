"""What a demo film knows of its clip at each frame: how far each event is, and the colours of the take."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vgg_monoaudio.demo.canvas import Colour, Point

FPS = 25


@dataclass(frozen=True)
class Moment:
    """Where a frame stands among the events of its clip; times in seconds, counted in whole frames.

    Attributes:
        frame: number of the frame.
        event: number of the last event that has happened, -1 before the first.
        since: from that event's frame to this one; infinite before the first.
        gap: between the events around this frame; the clip's ends count as if events lay just outside.
        progress: share of the gap that has passed, in [0, 1).
        ages: per event, seconds since its frame; negative for events to come.
    """

    frame: int
    event: int
    since: float
    gap: float
    progress: float
    ages: tuple[float, ...]

    @property
    def until(self) -> float:
        """Seconds until the next event's frame."""
        return self.gap * (1 - self.progress)

    def flash(self, fade: float) -> float:
        """Return 1 in the event's own frame, falling by a factor e every `fade` seconds; 0 before the first."""
        return math.exp(-self.since / fade)


@dataclass(frozen=True)
class Look:
    """What tells the two clips of a label apart to the eye."""

    wall: tuple[Colour, Colour]  # top and bottom of the background
    main: Colour
    accent: Colour
    shift: float  # pixels to the right


def moments(events: Sequence[float], frames: int) -> Iterator[Moment]:
    """Yield the moment of each frame of a clip whose events are at these seconds."""
    marks = [math.floor(event * FPS) for event in events]
    before = min(marks[0] - 15, -5)
    after = max(marks[-1] + 15, frames + 5)  # no event on screen that is not heard
    edges = [before, *marks, after]
    for frame in range(frames):
        event = sum(mark <= frame for mark in marks) - 1
        last, following = edges[event + 1], edges[event + 2]
        yield Moment(
            frame=frame,
            event=event,
            since=(frame - last) / FPS if event >= 0 else math.inf,
            gap=(following - last) / FPS,
            progress=(frame - last) / (following - last),
            ages=tuple((frame - mark) / FPS for mark in marks),
        )


def turn(centre: Point, radius: float, degrees: float) -> Point:
    """Return the point at this distance from the centre; 0 degrees is up, turning clockwise."""
    angle = math.radians(degrees)
    return centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return the colour this share of the way from a to b."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


LOOKS: Mapping[str, tuple[Look, Look]] = MappingProxyType(
    {
        "ball": (
            Look(((92, 128, 176), (196, 170, 140)), (226, 108, 48), (255, 226, 140), 0),
            Look(((116, 92, 140), (222, 160, 120)), (72, 160, 92), (255, 240, 190), 30),
        ),
        "sirn": (
            Look(((16, 18, 46), (58, 52, 92)), (232, 236, 244), (30, 60, 140), 0),
            Look(((22, 12, 34), (84, 48, 74)), (44, 52, 84), (238, 200, 70), -40),
        ),
        "clok": (
            Look(((108, 132, 120), (164, 180, 160)), (126, 82, 48), (206, 60, 48), 0),
            Look(((96, 92, 126), (160, 150, 178)), (62, 74, 96), (236, 140, 40), 24),
        ),
        "strg": (
            Look(((66, 44, 40), (34, 24, 26)), (196, 128, 62), (255, 218, 120), 0),
            Look(((40, 56, 70), (20, 26, 36)), (150, 62, 44), (130, 220, 240), 0),
        ),
        "drip": (
            Look(((206, 222, 226), (150, 182, 196)), (52, 116, 160), (206, 64, 56), 0),
            Look(((226, 214, 196), (186, 170, 150)), (40, 122, 116), (52, 84, 160), 40),
        ),
        "hamr": (
            Look(((82, 92, 112), (130, 132, 140)), (182, 128, 76), (206, 150, 84), 0),
            Look(((60, 84, 78), (112, 132, 118)), (148, 104, 72), (196, 66, 52), -30),
        ),
        "cric": (
            Look(((18, 32, 66), (42, 84, 92)), (70, 140, 66), (150, 104, 48), 0),
            Look(((40, 28, 60), (96, 74, 96)), (96, 150, 60), (60, 120, 70), -40),
        ),
        "fans": (
            Look(((150, 186, 204), (206, 218, 216)), (54, 104, 168), (120, 166, 216), 0),
            Look(((228, 196, 170), (236, 220, 200)), (176, 72, 84), (226, 140, 140), 20),
        ),
    }
)
