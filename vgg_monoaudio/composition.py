"""Two clips become one scene: side by side, 1280x720, 25 fps, H.264 and AAC, in one ffmpeg pass.

Each clip contributes the same stretch of its time line to the picture and to the sound, as `foundation.media` reads
it: frames are chosen by ffmpeg's fps filter, sound is averaged to mono and resampled to 16 kHz. Encoders run bit-exact
and on one thread, so the same clips and settings give the same bytes; scenes are made in parallel by processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from foundation import media
from foundation.files import PathLike, replacing
from vgg_monoaudio.encoding import EncodingStopped, encode, program_for
from vgg_monoaudio.stretch import FRAMES_PER_SECOND as FRAMES_PER_SECOND  # known by this address
from vgg_monoaudio.stretch import HEIGHT as HEIGHT
from vgg_monoaudio.stretch import SAMPLE_RATE as SAMPLE_RATE
from vgg_monoaudio.stretch import SECONDS as SECONDS
from vgg_monoaudio.stretch import WIDTH as WIDTH
from vgg_monoaudio.stretch import Fit as Fit
from vgg_monoaudio.stretch import Stretch
from vgg_monoaudio.stretch import filled as filled
from vgg_monoaudio.stretch import on_frame_grid as on_frame_grid

Side = Literal["left", "right"]
Soundtrack = Literal["mixture", "target", "none"]

_ENCODER = {
    # subq 1 (coarser motion search) saves a sixth of the time for 6 % more bytes, by crf at the same quality
    "vcodec": "libx264", "preset": "veryfast", "subq": 1, "crf": 18, "pix_fmt": "yuv420p",
    "fflags": "+bitexact", "flags:v": "+bitexact", "threads": 1, "movflags": "+faststart", "map_metadata": -1,
}  # fmt: skip
_AUDIO_ENCODER = {"acodec": "aac", "audio_bitrate": "64k", "ar": SAMPLE_RATE, "ac": 1, "flags:a": "+bitexact"}


def compose(
    target: PathLike,
    paired: PathLike,
    output: PathLike,
    side: Side,
    fit: Fit = "stretch",
    duration: float = SECONDS,
    *,
    soundtrack: Soundtrack = "mixture",
    target_start: float = 0.0,
    paired_start: float = 0.0,
) -> None:
    """Write the scene of two clips, and probe it.

    Args:
        target: clip whose sound is asked for.
        paired: the other clip.
        output: the scene, an .mp4; written under a temporary name first.
        side: which half shows the target, "left" or "right".
        fit: how a clip comes to 640x720: "stretch" scales both sides (as SELVA's training mixes do), "pad" keeps the
            shape in which it is shown inside black bars, "crop" keeps that shape and cuts what sticks out.
        duration: seconds.
        soundtrack: "mixture" (mean of both sounds), "target" or "none".
        target_start: seconds on the target clip's time line; taken to the nearest frame, see `on_frame_grid`.
        paired_start: seconds into the paired clip, likewise.

    Raises:
        ValueError: an unknown side, fit or soundtrack, a duration of no frames, or one file given twice.
        foundation.media.MediaError: a clip that is absent, silent or too short, or an output that does not probe right.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there.

    Source:
        Appendix B.3 of arXiv:2512.02650 for size, rates and codecs.
    """
    import ffmpeg

    _check_choice("side", side, get_args(Side))
    check_choices(fit, soundtrack)
    frames = _frame_count(duration)
    if Path(target).absolute() == Path(paired).absolute():
        raise ValueError(f"target and paired are one file, {target}; a scene takes two")
    inputs = [Stretch(target, target_start, duration), Stretch(paired, paired_start, duration)]
    pictures = [clip.picture(fit, frames) for clip in inputs]
    scene = ffmpeg.filter(pictures if side == "left" else pictures[::-1], "hstack")
    sounds = [clip.sound() for clip in inputs[: {"mixture": 2, "target": 1, "none": 0}[soundtrack]]]
    if len(sounds) == 2:
        sounds = [ffmpeg.filter(sounds, "amix", inputs=2, duration="shortest", normalize=1)]
    _encode([scene, *sounds], output, (WIDTH, HEIGHT), frames, reads=(target, paired))


def cut(
    source: PathLike, output: PathLike, *, start: float = 0.0, duration: float = SECONDS, with_sound: bool = True
) -> None:
    """Write the stretch that a clip contributes, at the size at which it is shown, with its sound at 16 kHz mono.

    Args:
        source: the clip.
        output: an .mp4; written under a temporary name first.
        start: seconds on the clip's time line; taken to the nearest frame.
        duration: seconds.
        with_sound: False writes a film without sound, and takes a clip that has none.

    Raises:
        foundation.media.MediaError: a clip that is absent, too short or without the sound that is wanted.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there.
    """
    frames = _frame_count(duration)
    clip = Stretch(source, start, duration, with_sound=with_sound)
    streams = [clip.picture(None, frames), *([clip.sound()] if with_sound else [])]
    _encode(streams, output, clip.even_size, frames, reads=(source,))


def _encode(
    streams: Sequence[Any],
    output: PathLike,
    size: tuple[int, int],
    frames: int,
    *,
    reads: Sequence[PathLike],
) -> None:
    """Run the encoder and probe what it wrote; only a file that is what was asked for gets its final name."""
    import ffmpeg

    settings = {**_ENCODER, **media.x264_instructions(size[0]), **(_AUDIO_ENCODER if len(streams) > 1 else {})}
    names = " and ".join(Path(path).name for path in reads)
    with replacing(Path(output).absolute()) as temporary:
        node = ffmpeg.output(*streams, str(temporary), **settings)
        node = node.global_args("-v", "error", "-nostdin", "-filter_complex_threads", "1").overwrite_output()
        command = [*program_for(Path(output)), *node.get_args()]
        spoken_of = {temporary: Path(output), **{Path(path).absolute(): Path(path) for path in reads}}
        told = encode(command, temporary, Path(output), spoken_of)
        if told is not None:
            raise media.MediaError(output, f"ffmpeg failed on {names}: {told}")
        try:
            wrong = difference(temporary, size, frames, with_sound=len(streams) > 1)
        except media.MediaError as error:
            raise EncodingStopped(Path(output), f"ffmpeg reported success and left no film: {error.reason}") from error
        if wrong:
            raise media.MediaError(output, f"{wrong}; made from {names}")


def difference(path: Path, size: tuple[int, int], frames: int, *, with_sound: bool) -> str:
    """Return in what a file is not what was asked for; an empty string is nothing.

    Args:
        path: what was written.
        size: (width, height).
        frames: how many, at 25 fps.
        with_sound: whether there is a 16 kHz soundtrack of the same length.

    Raises:
        foundation.media.MediaError: no media file.
    """
    info = media.probe(path)
    found: dict[str, Any] = {"picture": None, "sound": None, "seconds of sound": None}
    if info.video:
        v = info.video
        found["picture"] = (v.codec, v.pixel_format, v.width, v.height)
        found["frames per second"], found["frames"] = v.frames_per_second, v.frames
    if info.audio:
        a = info.audio
        found["sound"] = (a.codec, a.sample_rate, a.channels)
        found["seconds of sound"] = a.duration_seconds is not None and round(a.duration_seconds, 3)
    expected: dict[str, Any] = {
        "picture": ("h264", "yuv420p", *size),
        "frames per second": float(FRAMES_PER_SECOND),
        "frames": frames,
        "sound": ("aac", SAMPLE_RATE, 1) if with_sound else None,
        "seconds of sound": round(frames / FRAMES_PER_SECOND, 3) if with_sound else None,
    }
    for part, value in expected.items():
        if found.get(part) != value:
            return f"{part} came out as {found.get(part)}, expected {value}"
    return ""


def _frame_count(duration: float) -> int:
    frames = round(duration * FRAMES_PER_SECOND)
    if frames < 1:
        raise ValueError(f"duration: expected at least one frame of {1 / FRAMES_PER_SECOND} s, got {duration}")
    return frames


def check_choices(fit: str, soundtrack: str) -> None:
    """Refuse what `compose` does not know.

    Raises:
        ValueError: an unknown fit or soundtrack.
    """
    _check_choice("fit", fit, get_args(Fit))
    _check_choice("soundtrack", soundtrack, get_args(Soundtrack))


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: expected {', '.join(choices)}, got {value!r}")
