"""What holds for all tests: the profile of the property tests, skips, and fixtures that more than one room uses."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from support import skips

# The same examples everywhere, however busy the machine: nothing is drawn, timed or remembered.
hypothesis.settings.register_profile("everywhere", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("everywhere")
os.environ["VGG_MONOAUDIO_PROGRESS"] = "0"  # tests read what is said on stderr; those of progress take it away


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    skips.refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    skips.refuse(report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose slow tests take longest, `slow(minutes=...)`, so that two workers end together."""
    minutes = Counter[Path]()
    for item in items:
        minutes[item.path] += sum(mark.kwargs.get("minutes", 0) for mark in item.iter_markers("slow"))
    items.sort(key=lambda item: -minutes[item.path])


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_flushed() -> Iterator[None]:
    """Files of tests need not outlast a loss of power; bringing each to the disk would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def real_media() -> Path:
    """Folder of real clips; tests that need it skip where it is absent."""
    sibling = Path(__file__).resolve().parents[2] / "shared" / "media"
    folder = Path(os.environ.get("VGG_MONOAUDIO_TEST_MEDIA", sibling))
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder} (set VGG_MONOAUDIO_TEST_MEDIA)")
    return folder


class Film:
    """Tiny clips that say what they are: each frame carries its number as stripes, the sound is given sample by sample.

    Written with PyAV alone, so that what tests read was not made by the code under test.
    """

    BITS = 12

    @classmethod
    def painted(cls, number: int, size: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
        """A frame (height, width, 3) whose upright stripes, black or white, are the bits of its number."""
        height, width = size
        stripe = np.minimum(np.arange(width) * cls.BITS // width, cls.BITS - 1)
        row = ((number >> stripe) & 1).astype(np.uint8) * 255
        return np.ascontiguousarray(np.broadcast_to(row[np.newaxis, :, np.newaxis], (height, width, 3)))

    @classmethod
    def numbers(cls, frames: NDArray[np.uint8]) -> list[int]:
        """The numbers that frames (t, 3, height, width) carry, read along the middle row."""
        width = frames.shape[3]
        centres = (np.arange(cls.BITS) * 2 + 1) * width // (2 * cls.BITS)
        bits = frames[:, :, frames.shape[2] // 2].mean(axis=1)[:, centres] > 127
        return [int((row << np.arange(cls.BITS)).sum()) for row in bits.astype(int)]

    @classmethod
    def write(
        cls,
        path: Path,
        *,
        seconds: float = 2.4,
        fps: Fraction | int = 25,
        times: Sequence[Fraction] | None = None,
        size: tuple[int, int] = (48, 64),
        sound: NDArray[np.float32] | None = None,
        sample_rate: int = 16_000,
        first_number: int = 0,
        picture: Callable[[int], NDArray[np.uint8]] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        """Write frames at `fps`, or at `times` (seconds), and the sound (samples,) or (channels, samples), if any."""
        times = times or [k / Fraction(fps) for k in range(round(seconds * fps))]
        picture = picture or (lambda number: cls.painted(number, size))
        clock = Fraction(1, 120_000)
        with av.open(str(path), "w", options=options or {}) as container:
            video = container.add_stream("libx264", rate=Fraction(fps))
            video.width, video.height, video.pix_fmt = size[1], size[0], "yuv420p"
            video.options = {"crf": "4", "preset": "ultrafast"}
            video.codec_context.time_base = clock
            video.codec_context.thread_count = 1
            rate = None if sound is None else cls._add_sound(container, path, np.atleast_2d(sound), sample_rate)
            for index, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(picture(first_number + index), format="rgb24")
                frame.pts, frame.time_base = round(time / clock), clock
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if sound is not None and rate is not None:
                cls._encode_sound(container, rate, np.atleast_2d(sound), sample_rate)
        return path

    @staticmethod
    def _add_sound(container: Any, path: Path, sound: NDArray[np.float32], sample_rate: int) -> Any:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(sound)]
        return container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=sample_rate, layout=layout)

    @staticmethod
    def _encode_sound(container: Any, stream: Any, sound: NDArray[np.float32], sample_rate: int) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32), "fltp", stream.layout.name)
        frame.sample_rate, frame.pts = sample_rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    @staticmethod
    def noise(seconds: float, *, seed: int, sample_rate: int = 16_000, level: float = 0.1) -> NDArray[np.float32]:
        """Noise below 3 kHz, (samples,), root mean square `level`, so that no codec or resampler takes much of it."""
        spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=round(seconds * sample_rate)))
        spectrum[round(3000 * seconds) :] = 0
        sound = np.fft.irfft(spectrum, round(seconds * sample_rate))
        return np.asarray(sound * level / np.sqrt(np.mean(sound**2)), np.float32)


@pytest.fixture(scope="session")
def film() -> type[Film]:
    """Writes and reads tiny clips with numbered frames."""
    return Film


@pytest.fixture
def killed_writers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], Path]:
    """Names what a writer of this host that is gone left of a file; makes the folder, not the file."""
    from foundation import partials

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    def left(folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: gone.pid)
            return folder / partials.partial_name(name)

    return left
