"""Films as browsers play them: which they play as they are, and a copy of the others."""

from __future__ import annotations

from pathlib import Path

from foundation import media
from foundation.files import replacing
from vgg_monoaudio.encoding import encode, program_for

PLAYED_TYPES = {".mp4": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}

_PLAYED_PICTURES = {"h264", "vp8", "vp9", "av1"}
_PLAYED_SOUNDS = {"aac", "mp3", "opus", "vorbis", "flac", None}
_PLAYED_PIXELS = {"yuv420p", "yuvj420p"}
_SMALLER = "scale=min(1280\\,iw):-2:out_range=tv,format=yuv420p"  # no more than a reviewer's screen shows


def is_played(path: Path, info: media.MediaInfo) -> bool:
    """Tell whether every browser plays a file as it is.

    Args:
        path: of the file; its ending counts.
        info: what is in it.
    """
    sound = None if info.audio is None else info.audio.codec
    return (
        path.suffix.lower() in PLAYED_TYPES
        and info.video is not None
        and info.video.codec in _PLAYED_PICTURES
        and info.video.pixel_format in _PLAYED_PIXELS
        and sound in _PLAYED_SOUNDS
    )


def write_preview(path: Path, output: Path, *, seconds: float | None = None) -> None:
    """Write a copy in H.264 and AAC; times stay as they are, so that what is decided on it holds for the file.

    Args:
        path: any film.
        output: the copy, .mp4.
        seconds: how much of it, from its beginning; None: all.

    Raises:
        foundation.media.MediaError: no copy can be made of it.
        vgg_monoaudio.encoding.EncodingStopped: no copy can be made of anything.
    """
    info = media.probe(path)
    ends = "" if seconds is None else f"trim=end={seconds:g},"
    graph = [f"[0:{info.video.index if info.video else 'v:0'}]{ends}{_SMALLER}[picture]"]
    streams = ["-map", "[picture]"]
    if info.audio is not None and seconds is None:
        streams += ["-map", f"0:{info.audio.index}"]
    elif info.audio is not None:
        graph.append(f"[0:{info.audio.index}]atrim=end={seconds:g}[sound]")
        streams += ["-map", "[sound]"]
    with replacing(output) as temporary:
        command = [
            *program_for(output), "-v", "error", "-nostdin", "-y", "-i", str(path.absolute()),
            "-filter_complex", ";".join(graph), *streams, "-vcodec", "libx264", "-preset", "veryfast", "-crf", "21",
            "-acodec", "aac", "-b:a", "128k", "-map_metadata", "-1", "-movflags", "+faststart", str(temporary),
        ]  # fmt: skip
        told = encode(command, temporary, output, {temporary: output, path.absolute(): path})
        if told is not None:
            raise media.MediaError(path, f"no preview can be made of it: {told}")
