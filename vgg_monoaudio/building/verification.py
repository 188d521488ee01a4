"""Checking a benchmark directory against its own record."""

from __future__ import annotations

from pathlib import Path

from foundation import media
from foundation.files import file_sha256
from vgg_monoaudio import composition
from vgg_monoaudio.dataset import Benchmark


def differences(benchmark: Benchmark) -> list[str]:
    """Return what is not as it was built, one line per difference; an empty list means that all is well.

    Hashes of every scene and source that there is, size, rate, length and codecs of every scene, and files that the
    record does not list. The numbers of rows are checked when a benchmark is loaded.
    """
    found = _changed_sources(benchmark)
    for sample in benchmark:
        if file_sha256(sample.video) != sample.sha256:
            found.append(f"{sample.video}: not the file that was built")
        else:
            found += _wrong_scene(sample.video, benchmark)
    return found + _unexpected_files(benchmark)


def _changed_sources(benchmark: Benchmark) -> list[str]:
    found = []
    for source, recorded in zip(benchmark.sources, benchmark.record.sources, strict=True):
        for path, sha256 in ((source.audio, recorded.sha256), (source.video, recorded.video_sha256)):
            if path is None:
                continue
            if not path.is_file():
                found.append(f"{path}: missing")
            elif sha256 is None:
                found.append(f"{path}: no hash of it was recorded; build the benchmark again")
            elif file_sha256(path) != sha256:
                found.append(f"{path}: not the file that was built")
    return found


def _wrong_scene(path: Path, benchmark: Benchmark) -> list[str]:
    """Probe a scene whose bytes are right: a record can be wrong from the start."""
    frames = round(benchmark.duration_seconds * composition.FRAMES_PER_SECOND)
    with_sound = benchmark.record.settings.soundtrack != "none"
    try:
        size = (composition.WIDTH, composition.HEIGHT)
        if benchmark.record.kind is not None:  # single clips keep their own size
            info = media.probe(path).video
            size = (info.width, info.height) if info else size
        wrong = composition.difference(path, size, frames, with_sound=with_sound)
    except media.MediaError as error:
        wrong = error.reason
    return [f"{path}: {wrong}"] if wrong else []


def _unexpected_files(benchmark: Benchmark) -> list[str]:
    """Name the files in the folders of scenes and sources that the record does not list."""
    known = {path for source in benchmark.sources for path in (source.audio, source.video)}
    known |= {sample.video for sample in benchmark}
    folders = [benchmark.path / "sources", *(benchmark.path / subset / "video" for subset in benchmark.subsets)]
    there = [path for folder in folders for path in sorted(folder.iterdir())]
    return [f"{path}: not part of the benchmark" for path in there if path not in known]
