"""The pictures of the demo clips: eight small scenes in which something visibly happens at each event."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from vgg_monoaudio.demo.canvas import Canvas, Colour, Pixels, gradient
from vgg_monoaudio.demo.moments import FPS, LOOKS, Look, Moment, mix, moments, turn
from vgg_monoaudio.demo.sounds import STRINGS, fan_speed, string_of_event

WIDTH, HEIGHT = 640, 720  # half a 1280x720 scene, so composing needs no scaling
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Film:
    """A scene: what stands still, painted once, and what moves, painted on every frame."""

    still: Callable[[Canvas, Look], None]
    moving: Callable[[Canvas, Look, Moment], None]


def _ball_still(canvas: Canvas, look: Look) -> None:
    canvas.box(0, 590, WIDTH, HEIGHT, mix(look.wall[1], (40, 30, 40), 0.35))
    canvas.box(0, 584, WIDTH, 592, mix(look.wall[1], WHITE, 0.5))
    canvas.line((470 - look.shift, 150), (620 - look.shift, 150), 10, mix(look.main, WHITE, 0.2))
    canvas.ring((540 - look.shift, 172), (48, 12), 7, look.accent)


def _ball_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    x = 300 + look.shift + 40 * math.sin(0.9 * now.frame / FPS)
    ground, rise = 640.0, min(430.0, 900 * now.gap**2) * 4 * now.progress * (1 - now.progress)
    flash = now.flash(0.07)
    canvas.glow((x, ground), 330, look.accent, 0.9 * flash)
    canvas.ring((x, ground + 4), (70 + 520 * min(now.since, 1), 18 + 90 * min(now.since, 1)), 7, WHITE, flash)
    canvas.ellipse((x, ground + 4), (70 - 0.07 * rise, 14), (20, 16, 24), 0.45 - 0.0007 * rise)
    squash = 1 - 0.32 * flash
    centre = (x, ground - rise - 66 * squash)
    canvas.ellipse(centre, (66 / squash**0.5, 66 * squash), look.main)
    canvas.ellipse((x - 20, centre[1] - 22 * squash), (20, 15 * squash), mix(look.main, WHITE, 0.55))
    canvas.line((centre[0] - 62, centre[1]), (centre[0] + 62, centre[1]), 5, mix(look.main, (20, 10, 10), 0.6))
    canvas.ring(centre, (26, 64 * squash), 5, mix(look.main, (20, 10, 10), 0.6))


_LAMPS: tuple[Colour, Colour] = ((255, 60, 64), (64, 132, 255))


def _siren_still(canvas: Canvas, look: Look) -> None:
    for index, height in enumerate((230, 330, 270, 390, 250, 310)):
        left = 110 * index - 20
        canvas.box(left, 560 - height, left + 96, 560, mix(look.wall[1], (8, 10, 24), 0.55))
        for row in range(2, height // 60):
            canvas.box(left + 18, 560 - 60 * row, left + 34, 580 - 60 * row, (214, 190, 120))
            canvas.box(left + 58, 560 - 60 * row, left + 74, 580 - 60 * row, (94, 96, 120))
    canvas.box(0, 560, WIDTH, HEIGHT, (44, 46, 58))
    for left in range(20, WIDTH, 160):
        canvas.box(left, 668, left + 80, 676, (190, 180, 120))


def _siren_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    x, lit = 320 + look.shift, now.event % 2 if now.event >= 0 else None
    lamps = ((x - 46, 366.0), (x + 46, 366.0))
    if lit is not None:
        canvas.glow(lamps[lit], 430, _LAMPS[lit], 0.62 + 0.3 * now.flash(0.08))
    canvas.polygon([(x - 120, 460), (x - 78, 384), (x + 78, 384), (x + 120, 460)], look.main)
    canvas.polygon([(x - 98, 456), (x - 66, 396), (x - 6, 396), (x - 6, 456)], (60, 76, 100))
    canvas.polygon([(x + 98, 456), (x + 66, 396), (x + 6, 396), (x + 6, 456)], (60, 76, 100))
    canvas.polygon([(x - 236, 556), (x - 226, 474), (x - 150, 456), (x + 210, 456), (x + 236, 556)], look.main)
    canvas.box(x - 230, 496, x + 224, 522, look.accent)
    for wheel in (x - 138, x + 138):
        canvas.disc((wheel, 560), 46, (20, 20, 26))
        canvas.disc((wheel, 560), 22, (150, 152, 160))
    canvas.box(x - 84, 374, x + 84, 386, (30, 32, 40))
    for side, lamp in enumerate(lamps):
        on = side == lit
        canvas.ellipse(lamp, (36, 22), _LAMPS[side] if on else mix(_LAMPS[side], (16, 16, 24), 0.72))
        canvas.glow(lamp, 40, WHITE, 0.9 if on else 0.0)


def _clock_still(canvas: Canvas, look: Look) -> None:
    centre = (320 + look.shift, 280.0)
    canvas.polygon(
        [(centre[0] - 92, 400), (centre[0] + 92, 400), (centre[0] + 92, 690), (centre[0] - 92, 690)],
        mix(look.main, (20, 14, 10), 0.35),
    )
    canvas.box(centre[0] - 74, 440, centre[0] + 74, 674, mix(look.main, (16, 12, 10), 0.75))
    canvas.disc(centre, 226, look.main)
    canvas.disc(centre, 200, (250, 246, 236))
    for hour in range(12):
        length = 34 if hour % 3 == 0 else 18
        canvas.line(turn(centre, 184 - length, 30 * hour), turn(centre, 184, 30 * hour), 7, (52, 48, 56))
    canvas.line(centre, turn(centre, 100, 305), 14, (52, 48, 56))
    canvas.line(centre, turn(centre, 142, 54), 10, (52, 48, 56))


def _clock_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    centre = (320 + look.shift, 280.0)
    overshoot = 7 * now.flash(0.05) * (1 if now.frame % 2 else -1)
    hand = 30 * (now.event + 1) + (overshoot if now.event >= 0 else 0)
    canvas.ring(centre, (213, 213), 26, look.accent, 0.85 * now.flash(0.08))
    canvas.line(turn(centre, -46, hand), turn(centre, 172, hand), 9, look.accent)
    canvas.disc(centre, 15, look.accent)
    side = 1 if now.event % 2 else -1
    swing = side * 17 * (1 - 2 * math.exp(-now.since / 0.05)) if now.event >= 0 else 17
    bob = turn((centre[0], 440), 176, 180 + swing)
    canvas.line((centre[0], 440), bob, 6, (222, 186, 96))
    canvas.disc(bob, 32, (232, 196, 104))
    canvas.disc((bob[0] - 8, bob[1] - 8), 10, (252, 232, 170))


def _string_still(canvas: Canvas, look: Look) -> None:
    canvas.ellipse((320, 470), (330, 400), look.main)
    canvas.ring((320, 470), (322, 392), 8, mix(look.main, (30, 16, 8), 0.5))
    canvas.disc((320, 400), 150, mix(look.main, (30, 16, 8), 0.45))
    canvas.disc((320, 400), 132, (34, 24, 22))
    canvas.box(170, 634, 470, 664, (52, 32, 24))
    canvas.box(214, 0, 426, 130, (58, 38, 30))
    for fret in (28, 74, 118):
        canvas.box(214, fret, 426, fret + 5, (196, 190, 176))


def _string_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    for string in range(len(STRINGS)):
        x = 236.0 + 56 * string
        ages = [age for event, age in enumerate(now.ages) if age >= 0 and string_of_event(event) == string]
        amplitude = 26 * math.exp(-ages[-1] / 0.3) if ages else 0.0
        swing = amplitude * (1 if now.frame % 2 else -1)
        if amplitude > 0.6:  # the eye sees the whole width that a quick string sweeps
            canvas.ellipse((x, 320), (amplitude, 322), mix(look.accent, WHITE, 0.4), 0.45 * amplitude / 26 + 0.1)
        points = [(x + swing * math.sin(math.pi * step / 12), 650 * step / 12) for step in range(13)]
        canvas.path(points, 4.5 - 0.6 * string, (244, 236, 214))
    if now.event >= 0:
        x = 236.0 + 56 * string_of_event(now.event) + 12 + 26 * min(now.since / 0.12, 1)
        canvas.glow((x - 12, 400), 150, look.accent, 0.8 * now.flash(0.07))
        canvas.polygon([(x - 12, 404), (x + 44, 372), (x + 44, 436)], look.accent)


def _drip_still(canvas: Canvas, look: Look) -> None:
    x = 320 + look.shift
    canvas.box(0, 540, WIDTH, HEIGHT, look.main)
    canvas.ellipse((320, 545), (360, 26), mix(look.main, WHITE, 0.25))
    metal, dark = (178, 188, 198), (118, 128, 140)
    canvas.box(x - 260, 66, x + 4, 106, metal)
    canvas.box(x - 260, 94, x + 4, 106, dark)
    canvas.disc((x, 106), 40, metal)
    canvas.box(x - 24, 106, x + 24, 158, metal)
    canvas.box(x - 30, 152, x + 30, 168, dark)
    canvas.box(x - 130, 24, x - 114, 70, dark)
    canvas.line((x - 164, 24), (x - 80, 24), 18, look.accent)


def _drip_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    x, mouth, water, fall = 320 + look.shift, 176.0, 600.0, 0.34
    light, deep = mix(look.main, WHITE, 0.75), mix(look.main, WHITE, 0.25)
    flash = now.flash(0.09)
    canvas.glow((x, water), 300, WHITE, 0.75 * flash)
    for delay in (0.0, 0.1, 0.2):
        age = now.since - delay
        if 0 <= age < 0.8:
            canvas.ring((x, water), (24 + 300 * age, 7 + 64 * age), 5, light, (1 - age / 0.8) ** 2)
    if now.since < 0.36:
        for number in range(-3, 4):
            up = 330 * now.since - 900 * now.since**2 - 14 * abs(number)
            canvas.disc((x + number * (16 + 190 * now.since), water - max(up, -8)), 8 - 2 * abs(number) / 3, light)
    if now.event + 1 < len(now.ages):  # another drop is to come
        if now.until <= fall:
            y = mouth + (water - mouth) * (1 - now.until / fall) ** 2
            canvas.ellipse((x, y), (13, 18), deep)
            canvas.ellipse((x - 4, y - 3), (4, 6), light)
        else:
            size = 1 - min((now.until - fall) / 0.5, 1)
            canvas.ellipse((x, mouth - 8 + 8 * size), (5 + 8 * size, 4 + 12 * size), deep)


def _hammer_still(canvas: Canvas, look: Look) -> None:
    canvas.box(0, 560, WIDTH, HEIGHT, look.main)
    for y, tone in ((600, 0.12), (644, 0.2), (690, 0.12)):
        canvas.box(0, y, WIDTH, y + 6, mix(look.main, (30, 16, 8), tone + 0.1))
    canvas.box(0, 556, WIDTH, 566, mix(look.main, WHITE, 0.35))


def _hammer_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    x, depth = 230 + look.shift, 9.0 * (now.event + 1)
    head = 404 + depth
    flash = now.flash(0.08)
    canvas.glow((x, head), 340, (255, 226, 140), 0.95 * flash)
    canvas.line((x, head), (x, 560), 13, (150, 156, 166))
    canvas.line((x - 22, head), (x + 22, head), 12, (176, 182, 192))
    lifted = min(now.since, 0.24) / 0.24 if now.event >= 0 else 1.0
    strike = min(now.until / 0.12, 1.0) if now.event + 1 < len(now.ages) else 1.0
    angle = -44 * min(lifted, strike)  # degrees from striking position
    pivot = (x + 330, head - 8)
    grip, end = turn(pivot, 20, 270 - angle), turn(pivot, 330, 270 - angle)
    canvas.line(grip, end, 24, look.accent)
    side = math.radians(270 - angle)
    along, across = (math.sin(side), -math.cos(side)), (math.cos(side), math.sin(side))
    corners = [
        (end[0] + u * along[0] + v * across[0], end[1] + u * along[1] + v * across[1])
        for u, v in ((-34, -18), (34, -18), (34, 74), (-34, 74))
    ]
    canvas.polygon([(a, b - 8) for a, b in corners], (86, 92, 104))
    if now.since < 0.2:
        for spark in range(8):
            near, far = 50 + 500 * now.since, 90 + 620 * now.since
            direction = 22.5 + 45 * spark
            canvas.line(turn((x, head), near, direction), turn((x, head), far, direction), 7, (255, 214, 96), flash)


def _cricket_still(canvas: Canvas, look: Look) -> None:
    canvas.disc((500 - look.shift, 130), 64, (248, 240, 200))
    canvas.ellipse((320, 720), (520, 150), mix(look.wall[1], (10, 30, 16), 0.6))
    for index in range(15):
        root = 20 + 44 * index
        lean = (index * 37) % 60 - 30
        shade = mix(look.main, (10, 40, 20), 0.25 + 0.05 * (index % 5))
        canvas.polygon([(root - 9, 720), (root + 9, 720), (root + lean, 560 - (index * 53) % 90)], shade)
    canvas.line((-10, 560), (650, 500), 16, mix(look.main, (40, 70, 20), 0.3))


def _cricket_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    x, y = 320 + look.shift, 452.0
    body, dark = look.accent, mix(look.accent, (12, 12, 8), 0.5)
    if now.since < 0.4:
        for ring in range(3):
            radius = 60 + 330 * now.since + 44 * ring
            canvas.ring((x - 40, y - 60), (radius, radius), 6, (255, 250, 210), 0.75 * (1 - now.since / 0.4) ** 2)
    singing = now.since < 0.2
    canvas.glow((x - 40, y - 60), 260, (255, 250, 190), 0.7 * now.flash(0.1))
    canvas.path([(x - 30, y), (x - 96, y - 104), (x - 130, y + 60)], 12, dark)
    canvas.path([(x + 20, y + 10), (x + 6, y + 56)], 9, dark)
    canvas.path([(x + 66, y + 10), (x + 78, y + 48)], 9, dark)
    canvas.ellipse((x, y), (112, 34), body)
    canvas.disc((x + 104, y - 10), 34, dark)
    canvas.disc((x + 116, y - 18), 8, (250, 250, 240))
    canvas.path([(x + 118, y - 38), (x + 190, y - 110), (x + 250, y - 118)], 4, dark)
    lift = 40.0 * (1 if now.frame % 2 else 0.35) if singing else 6.0
    wing = mix(body, WHITE, 0.45)
    canvas.polygon([(x + 62, y - 22), (x - 128, y - 16 - lift), (x - 116, y + 8 - 0.4 * lift)], wing, 0.85)
    canvas.polygon([(x + 62, y - 24), (x - 96, y - 30 - 2 * lift), (x - 112, y - 6 - lift)], mix(wing, body, 0.3), 0.85)


def _fan_still(canvas: Canvas, look: Look) -> None:
    x = 320 + look.shift
    canvas.box(0, 640, WIDTH, HEIGHT, mix(look.wall[1], (40, 30, 30), 0.4))
    canvas.box(x - 14, 300, x + 14, 650, (112, 118, 130))
    canvas.ellipse((x, 656), (130, 26), (90, 96, 108))
    canvas.disc((x, 290), 246, mix(look.wall[0], WHITE, 0.45))
    canvas.ring((x, 290), (240, 240), 9, (226, 230, 236))


def _fan_moving(canvas: Canvas, look: Look, now: Moment) -> None:
    centre = (320 + look.shift, 290.0)
    turned = 0.0  # degrees
    for step in range(now.frame + 1):  # the angle is the sum of all speeds so far
        ages = [age - (now.frame - step) / FPS for age in now.ages]
        passed = [age for age in ages if age >= 0]
        turned += 27 * float(fan_speed(np.asarray(passed[-1] if passed else -1.0)))
    for blade in range(3):
        direction = turned + 120 * blade
        tip = turn(centre, 142, direction)
        canvas.line(turn(centre, 60, direction + 8), tip, 96, look.main)
        canvas.line(turn(centre, 60, direction + 14), turn(centre, 130, direction + 16), 40, look.accent)
    canvas.disc(centre, 42, (70, 76, 90))
    for radius in (96, 198):
        canvas.ring(centre, (radius, radius), 5, (226, 230, 236))
    canvas.glow(centre, 120, WHITE, 0.5 * now.flash(0.1))


FILMS: Mapping[str, Film] = MappingProxyType(
    {
        "ball": Film(_ball_still, _ball_moving),
        "sirn": Film(_siren_still, _siren_moving),
        "clok": Film(_clock_still, _clock_moving),
        "strg": Film(_string_still, _string_moving),
        "drip": Film(_drip_still, _drip_moving),
        "hamr": Film(_hammer_still, _hammer_moving),
        "cric": Film(_cricket_still, _cricket_moving),
        "fans": Film(_fan_still, _fan_moving),
    }
)


def film(kind: str, events: Sequence[float], *, take: int, frames: int) -> Iterator[Pixels]:
    """Yield the frames of a clip, each uint8 of shape (720, 640, 3), RGB.

    Args:
        kind: a key of `FILMS`.
        events: seconds, rising; event t first shows in frame floor(25 * t).
        take: 0 or 1, which look.
        frames: how many, at 25 per second.
    """
    scene, look = FILMS[kind], LOOKS[kind][take]
    backdrop = gradient(WIDTH, HEIGHT, *look.wall)
    scene.still(Canvas(backdrop), look)
    for moment in moments(events, frames):
        canvas = Canvas(backdrop.copy())
        scene.moving(canvas, look, moment)
        yield canvas.pixels
