"""Seeds of a few seconds in many containers, and ways to damage them, all from one fixed seed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np

# A flash and a click at each of three moments.
_MOMENTS = (0.2, 0.6, 1.0)
_PICTURE = "color=c=black:s=64x48:r=25:d=2,format=yuv420p,geq=lum='if({flash},235,16)':cb=128:cr=128"
_SOUND = "aevalsrc='if({click},0.8*sin(2*PI*1000*t),0.02*sin(2*PI*300*t))':s={rate}:d=2"
_BOTH = ["-map", "0:v", "-map", "1:a"]
_X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-threads", "1"]

# name: what ffmpeg is told; every container of the list, with codecs that are met in it
SEEDS: dict[str, list[str]] = {
    "a.wav": ["-map", "1:a", "-c:a", "pcm_s16le"],
    "float.wav": ["-map", "1:a", "-c:a", "pcm_f32le", "-ac", "2"],
    "a.flac": ["-map", "1:a"],
    "stereo.flac": ["-map", "1:a", "-ac", "2", "-sample_fmt", "s32"],
    "a.mp3": ["-map", "1:a", "-b:a", "64k"],
    "front.mp4": [*_BOTH, *_X264, "-c:a", "aac", "-movflags", "+faststart"],
    "back.mp4": [*_BOTH, *_X264, "-bf", "2", "-c:a", "aac"],
    "fragments.mp4": [*_BOTH, *_X264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"],
    "between.mp4": [*_BOTH, *_X264, "-c:a", "aac", "-t", "1.5"],  # its sound ends far from the end of an AAC frame
    "aac.mkv": [*_BOTH, *_X264, "-bf", "2", "-c:a", "aac"],
    "pcm.mkv": [*_BOTH, *_X264, "-c:a", "pcm_s16le"],
    "flac.mkv": [*_BOTH, *_X264, "-c:a", "flac"],
    "opus.webm": [*_BOTH, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
    "vorbis.webm": [*_BOTH, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"],
    "mp3.avi": [*_BOTH, "-c:v", "mpeg4", "-c:a", "libmp3lame"],
    "pcm.avi": [*_BOTH, "-c:v", "mjpeg", "-c:a", "pcm_s16le"],
}


def make_seeds(folder: Path) -> list[Path]:
    """Write the seeds with the pinned ffmpeg, bit-exact and on one thread, and return them in the order of `SEEDS`."""
    flash = "+".join(f"between(T,{moment},{moment + 0.06})" for moment in _MOMENTS)
    click = "+".join(f"between(t,{moment},{moment + 0.06})" for moment in _MOMENTS)
    made = []
    for name, options in SEEDS.items():
        picture = ["-f", "lavfi", "-i", _PICTURE.format(flash=flash)]
        rate = 48_000 if name.endswith(".webm") else 16_000
        sound = ["-f", "lavfi", "-i", _SOUND.format(click=click, rate=rate)]
        exact = ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fflags", "+bitexact"]
        length = ["-t", "1.4"]  # an option that comes again counts
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *picture, *sound, *length, *options, *exact]
        subprocess.run([*command, str(folder / name)], stdin=subprocess.DEVNULL, check=True)
        made.append(folder / name)
    return made


Rng = np.random.Generator


def _place(content: bytes, rng: Rng, room: int = 1) -> int:
    """Return a place; headers stand at the front (and, in some files, at the end), so half of the places are there."""
    last = max(1, len(content) - room)
    if rng.random() < 0.5:
        near = int(rng.integers(0, min(600, last)))
        return near if rng.random() < 0.7 else max(0, last - near - 1)
    return int(rng.integers(0, last))


def _bits(content: bytes, rng: Rng, other: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        changed[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _truncated(content: bytes, rng: Rng, other: bytes) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def _deleted(content: bytes, rng: Rng, other: bytes) -> bytes:
    size = int(rng.integers(1, max(2, len(content) // 4)))
    at = _place(content, rng, size)
    return content[:at] + content[at + size :]


def _doubled(content: bytes, rng: Rng, other: bytes) -> bytes:
    size = int(rng.integers(1, max(2, len(content) // 4)))
    at = _place(content, rng, size)
    return content[: at + size] + content[at:]


def _exchanged(content: bytes, rng: Rng, other: bytes) -> bytes:
    size = int(rng.integers(1, max(2, len(content) // 8)))
    first, second = sorted(int(rng.integers(0, max(1, len(content) - size))) for _ in range(2))
    second = max(second, first + size)
    return (
        content[:first]
        + content[second : second + size]
        + content[first + size : second]
        + content[first : first + size]
        + content[second + size :]
    )


def _extreme(content: bytes, rng: Rng, other: bytes) -> bytes:
    """Fields of 1, 2, 4 or 8 bytes become zero, all ones, or the largest positive number, in either byte order."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        size = int(rng.choice([1, 2, 4, 8]))
        at = _place(content, rng, size)
        most = bytes([0x7F]) + bytes([0xFF]) * (size - 1)
        values = [bytes(size), b"\xff" * size, most, most[::-1], bytes(size - 1) + b"\x01"]
        changed[at : at + size] = values[int(rng.integers(len(values)))]
    return bytes(changed)


# Where time stamps and lengths stand: boxes of mp4, elements of Matroska, headers of avi, wav and Xing.
_CLOCKS = (
    b"mvhd", b"tkhd", b"mdhd", b"elst", b"stts", b"ctts", b"stsz", b"stco", b"stsc", b"tfdt", b"trun", b"edts",
    b"\xe7", b"\xa3", b"\x2a\xd7\xb1", b"\x44\x89", b"\x1f\x43\xb6\x75", b"avih", b"strh", b"idx1", b"fmt ", b"data",
    b"Xing", b"Info", b"fLaC",
)  # fmt: skip


def _stamps(content: bytes, rng: Rng, other: bytes) -> bytes:
    """Bytes behind a mark of times or lengths take other values."""
    places = [at for mark in _CLOCKS for at in _all(content, mark)]
    if not places:
        return _extreme(content, rng, other)
    changed = bytearray(content)
    at = places[int(rng.integers(len(places)))]
    for _ in range(int(rng.integers(1, 4))):
        spot = min(len(content) - 1, at + int(rng.integers(1, 40)))
        changed[spot] = int(rng.integers(256))
    return bytes(changed)


def _all(content: bytes, mark: bytes) -> list[int]:
    found, at = [], content.find(mark)
    while at >= 0 and len(found) < 50:
        found.append(at)
        at = content.find(mark, at + 1)
    return found


def _zeros(content: bytes, rng: Rng, other: bytes) -> bytes:
    size = int(rng.integers(1, max(2, len(content) // 4)))
    at = _place(content, rng, size)
    return content[:at] + bytes(size) + content[at + size :]


def _spliced(content: bytes, rng: Rng, other: bytes) -> bytes:
    """The front of one file and the back of another."""
    return content[: int(rng.integers(0, len(content)))] + other[int(rng.integers(0, len(other))) :]


MUTATIONS: dict[str, Callable[[bytes, Rng, bytes], bytes]] = {
    "bits": _bits,
    "truncated": _truncated,
    "deleted": _deleted,
    "doubled": _doubled,
    "exchanged": _exchanged,
    "extreme": _extreme,
    "stamps": _stamps,
    "zeros": _zeros,
    "spliced": _spliced,
}


def mutant(number: int, seeds: Sequence[Path]) -> tuple[str, bytes]:
    """Return the name and the content of one damaged file; both depend on its number and the seeds alone."""
    rng = np.random.default_rng([20_260_101, number])
    seed = seeds[number % len(seeds)]
    how = list(MUTATIONS)[number // len(seeds) % len(MUTATIONS)]
    other = seeds[int(rng.integers(len(seeds)))].read_bytes()
    content = MUTATIONS[how](seed.read_bytes(), rng, other)
    return f"{number:04d}-{how}-{seed.name}", content
