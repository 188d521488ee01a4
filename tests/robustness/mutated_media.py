"""2,000 damaged files: none kills or hangs the reader, each refusal has a name, each length is ffmpeg's.

    PYTHONPATH=.:tests python -m robustness.mutated_media [--count 2000] [--first 0] [--keep FOLDER]

The files come from a fixed seed (`mutations`). Each is probed, and its sound and its picture are read whole, in a
process of its own kind (`workers`). What is accepted must be as long, to 20 ms, as the pinned ffmpeg makes it:

    ffmpeg -i FILE -af aresample=async=1:first_pts=0        the sound
    ffmpeg -i FILE -vf fps=25:start_time=0                  the picture

Two differences are by design, and listed with their files. The ffmpeg inside PyAV and the pinned one are two versions,
and behind damage in the structure of a Matroska file they find their way back at different packets: taken for that only
where the packets of the stream are counted with both, copied and not decoded, and the numbers differ. And in mp4 the
last frame of AAC is kept whole, as it always was, while the pinned ffmpeg cuts it where the track ends: taken for that
only where less than one frame is left over, and everything before it is the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from foundation import media
from foundation.media.opening import opened
from foundation.media.streams import played_picture, played_sound
from robustness.mutations import make_seeds, mutant
from robustness.workers import examined

TOLERANCE_SECONDS = 0.020 + 1e-6
FPS = 25
READERS = ("probe", "sound", "picture")


@dataclass
class Outcome:
    """What became of one file: by reader the length in seconds, or the reason of a refusal."""

    seconds: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    by_design: list[str] = field(default_factory=list)


def examine(path: Path) -> Outcome:
    """Read a file in every way, and compare what was accepted with what ffmpeg makes of it."""
    found = Outcome()
    for name, read in (("probe", _probed), ("sound", _sound), ("picture", _picture)):
        try:
            found.seconds[name] = read(path)
        except media.MediaError as error:
            found.refused[name] = error.reason
            if path.name not in str(error) or not error.reason:
                found.faults.append(f"{name}: a refusal without the file's name or a reason: {error}")
        except Exception as error:
            found.faults.append(f"{name}: {type(error).__name__}: {error}")
    for name, reference in (("sound", _ffmpeg_sound), ("picture", _ffmpeg_picture)):
        if name in found.seconds:
            expected, told = reference(path)
            difference = found.seconds[name] - expected
            if abs(difference) > TOLERANCE_SECONDS:
                line = f"{name}: {found.seconds[name]:.3f} s, ffmpeg {expected:.3f} s"
                if name == "sound" and _last_frame_is_whole(path):
                    found.by_design.append(f"{line}: its last frame of AAC, whole")
                    continue
                ours, theirs = _packets(path, name)
                if ours != theirs and "matroska" in told:
                    found.by_design.append(f"{line}: {ours} packets behind the damage, ffmpeg {theirs}")
                else:
                    found.faults.append(f"{line}; ffmpeg says: {told[-300:] or 'nothing'}")
    return found


def _probed(path: Path) -> float:
    return media.probe(path).duration_seconds


def _sound(path: Path) -> float:
    audio = media.read_audio_native(path)
    return audio.samples.shape[1] / audio.sample_rate


def _picture(path: Path) -> float:
    return len(media.read_video(path, fps=FPS, size=(4, 4))) / FPS


def _ffmpeg(path: Path, *arguments: str) -> tuple[bytes, str]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", str(path.absolute()), *arguments, "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return done.stdout, done.stderr.decode(errors="replace").strip().replace("\n", " | ")


def _ffmpeg_sound(path: Path) -> tuple[float, str]:
    audio = media.read_audio_native(path)
    made, told = _ffmpeg(path, "-vn", "-af", "aresample=async=1:first_pts=0", "-c:a", "pcm_u8", "-f", "u8")
    return len(made) / len(audio.samples) / audio.sample_rate, told


def _last_frame_is_whole(path: Path) -> bool:
    """Tell whether we differ from ffmpeg by the rest of the last frame of AAC in mp4, and by nothing else."""
    with opened(path) as container:
        codec = played_sound(container).codec_context
        if "mov" not in container.format.name or codec.name != "aac" or not codec.frame_size:
            return False
        frame_size = codec.frame_size
    ours = media.read_audio_native(path).samples
    made, _ = _ffmpeg(path, "-vn", "-af", "aresample=async=1:first_pts=0", "-c:a", "pcm_f32le", "-f", "f32le")
    theirs = np.frombuffer(made, "<f4").reshape(-1, len(ours)).T
    surplus = ours.shape[1] - theirs.shape[1]
    return 0 < surplus < frame_size and np.allclose(ours[:, :-surplus], theirs, atol=1e-4)


def _packets(path: Path, kind: str) -> tuple[int, int]:
    """Return how many packets of a stream our reader's ffmpeg finds, and how many the pinned one does."""
    with opened(path) as container:
        stream = played_sound(container) if kind == "sound" else played_picture(container)
        ours = sum(packet.size > 0 for packet in container.demux(stream))
        index = stream.index
    listed, _ = _ffmpeg(path, "-map", f"0:{index}", "-c", "copy", "-f", "framecrc")
    return ours, sum(not line.startswith(b"#") for line in listed.splitlines())


def _ffmpeg_picture(path: Path) -> tuple[float, str]:
    size = ["-s", "4x4", "-pix_fmt", "gray", "-f", "rawvideo"]
    made, told = _ffmpeg(path, "-an", "-vf", f"fps={FPS}:start_time=0", *size)
    return len(made) / 16 / FPS, told


def run(folder: Path, numbers: range, workers: int = 2) -> dict[str, Outcome | str]:
    """Make the damaged files of these numbers in a folder, read them, and return what became of each, by name."""
    seeds = make_seeds(folder)
    paths = []
    for number in numbers:
        name, content = mutant(number, seeds)
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    found = examined(paths, examine, workers)
    return {path.name: found[path] for path in paths}


def failures(outcomes: dict[str, Outcome | str]) -> list[str]:
    """Return a line per file that did not end as it should."""
    lines = []
    for name, outcome in outcomes.items():
        if isinstance(outcome, str):
            lines.append(f"{name}: {outcome}")
        else:
            lines += [f"{name}: {fault}" for fault in outcome.faults]
    return lines


def main() -> int:
    """Run as told on the command line; exit status 1 where a file did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files; else they are removed at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcomes = run(folder, range(options.first, options.first + options.count))
    wrong = failures(outcomes)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    for name, outcome in outcomes.items():
        for line in outcome.by_design if isinstance(outcome, Outcome) else []:
            sys.stdout.write(f"by design: {name}: {line}\n")
    for reader in READERS:
        accepted = sum(isinstance(o, Outcome) and reader in o.seconds for o in outcomes.values())
        refused = sum(isinstance(o, Outcome) and reader in o.refused for o in outcomes.values())
        sys.stdout.write(f"{reader}: {accepted} accepted, {refused} refused\n")
    sys.stdout.write(f"{len(outcomes)} files, {len(wrong)} faults\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
