"""Features: one decode per file, kept by content, and a file that cannot be used is named."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import front_ends
from support.packs import features_below, packs_below
from support.together import wait_for_a_second

from benchmark import features, pending
from benchmark.features import QUEUED_BATCHES, Extractor, FeatureStore, Wanted, WorkerDied, extract
from benchmark.profiles.signal import SignalProfile
from foundation import isolation, media
from foundation.faults import MachineFault
from foundation.files import file_sha256

SECONDS = 0.5


LEVEL = Extractor("test.level", "v1", "audio", front_ends.level)
LENGTH = Extractor("test.length", "v1", "audio", front_ends.length)
BRIGHTNESS = Extractor("test.brightness", "v1", "video", front_ends.brightness, media.FrameRequest(25, (32, 48)))
SLOW_BRIGHTNESS = Extractor("test.slow", "v1", "video", front_ends.brightness, media.FrameRequest(5, (16, 16)))


def tone(level=0.5, seconds=SECONDS, rate=16_000):
    return (level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def sounds(tmp_path):
    """Three sounds, the third a copy of the first."""
    for place, level in enumerate((0.5, 0.25, 0.5)):
        media.write_audio(tmp_path / f"{place}.wav", tone(level), 16_000)
    return [tmp_path / f"{place}.wav" for place in range(3)]


@pytest.fixture
def decodes(monkeypatch):
    """Every file that is decoded, in order."""
    seen = []
    for name in ("read_audio_native", "read_video_streams"):
        original = getattr(media, name)

        def counted(path, *arguments, original=original, **named):
            seen.append(Path(path).name)
            return original(path, *arguments, **named)

        monkeypatch.setattr(media, name, counted)
    return seen


def wanted(paths, *extractors):
    return [Wanted(path, extractors[0].medium, extractors) for path in paths]


def run(paths, store, *extractors, workers=0, seconds=SECONDS, **options):
    return extract(wanted(paths, *extractors), store, seconds=seconds, workers=workers, **options)


def test_a_file_is_decoded_once_for_all_that_want_it(sounds, store, decodes):
    done = run(sounds[:2], store, LEVEL, LENGTH)
    assert decodes == ["0.wav", "1.wav"]
    assert (done.computed, done.failures) == (4, {})
    first, second = (store.read(LEVEL, done.sha256[path])["level"].item() for path in sounds[:2])
    assert first == pytest.approx(2 * second, rel=1e-3)
    assert store.read(LENGTH, done.sha256[sounds[0]])["length"].tolist() == [8000, 16_000]


def test_a_video_is_decoded_once_for_all_rates_and_sizes(tmp_path, store, decodes):
    film = tmp_path / "film.mp4"
    media.write_video(film, (np.full((64, 96, 3), 4 * k, np.uint8) for k in range(20)), fps=25)
    done = run([film], store, BRIGHTNESS, SLOW_BRIGHTNESS)
    assert decodes == ["film.mp4"]
    sizes = [store.read(e, done.sha256[film])["brightness"].size for e in (BRIGHTNESS, SLOW_BRIGHTNESS)]
    assert sizes == [12, 2]  # floor(0.5 s x 25), floor(0.5 s x 5)


def test_a_second_call_computes_nothing(sounds, store, decodes, look, tmp_path):
    run(sounds, store, LEVEL)
    before = look.written(tmp_path / "cache")
    decodes.clear()
    done = run(sounds, store, LEVEL)
    assert (decodes, done.computed) == ([], 0)
    assert before
    assert look.written(tmp_path / "cache") == before
    assert set(done.sha256) == set(sounds)


def test_equal_bytes_under_two_names_are_computed_once(sounds, store, decodes):
    done = run(sounds, store, LEVEL)
    assert decodes == ["0.wav", "1.wav"]
    assert done.sha256[sounds[0]] == done.sha256[sounds[2]] != done.sha256[sounds[1]]
    assert done.computed == 2


def test_a_file_that_changed_is_computed_again_under_its_old_name(sounds, store, decodes):
    before = run(sounds[:1], store, LEVEL)
    times = sounds[0].stat()
    media.write_audio(sounds[0], tone(0.125), 16_000)
    os.utime(sounds[0], ns=(times.st_atime_ns, times.st_mtime_ns))  # neither time nor size tells
    after = run(sounds[:1], store, LEVEL)
    assert decodes == ["0.wav", "0.wav"]
    old, new = (store.read(LEVEL, done.sha256[sounds[0]])["level"].item() for done in (before, after))
    assert old == pytest.approx(4 * new, rel=1e-3)


def test_another_key_makes_other_features_and_keeps_the_old(sounds, store, decodes):
    run(sounds[:1], store, LEVEL)
    newer = replace(LEVEL, key="v2")
    done = run(sounds[:1], store, newer)
    assert (len(decodes), done.computed) == (2, 1)
    assert store.has(LEVEL, done.sha256[sounds[0]])
    assert store.has(newer, done.sha256[sounds[0]])


def test_only_the_extractor_that_is_missing_is_computed(sounds, store, decodes):
    run(sounds[:1], store, LEVEL)
    done = run(sounds[:1], store, LEVEL, LENGTH)
    assert done.computed == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_does_not_serve_is_named_and_the_others_are_done(sounds, store, tmp_path, workers):
    whole = sounds[0].read_bytes()
    (tmp_path / "damaged.wav").write_bytes(b"RIFF and so on")
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not a sound")
    media.write_audio(tmp_path / "short.wav", tone(seconds=SECONDS - 0.02), 16_000)
    media.write_video(tmp_path / "silent.mp4", [np.zeros((64, 96, 3), np.uint8)] * 20, fps=25)
    reasons = {
        "damaged.wav": "not a media file, or damaged",
        "cut.wav": "truncated: ",
        "empty.wav": "",
        "text.wav": "",
        "short.wav": "0.480 s of sound, 0.5 s are scored",
        "silent.mp4": "no audio stream",
        "absent.wav": "No such file or directory",
    }
    bad = [tmp_path / name for name in reasons]
    done = run([*bad, *sounds], store, LEVEL, workers=workers)
    assert set(done.failures) == set(bad)
    for path, reason in zip(bad, reasons.values(), strict=True):
        assert done.failures[path].startswith(f"{path}: {reason}"), done.failures[path]
        assert len(done.failures[path]) > len(f"{path}: ")
    assert done.computed == 2  # the sounds, of which two are the same
    for path in bad[:-1]:
        assert not store.has(LEVEL, done.sha256[path])


def test_what_the_machine_cannot_do_is_not_counted_against_a_file(sounds, store, monkeypatch):
    """It would stand in the record, and the same command would take it from there."""

    def too_many(path):
        raise media.MediaError(path, "cannot be decoded (Too many open files)")

    with monkeypatch.context() as patch:
        patch.setattr(media, "read_audio_native", too_many)
        with pytest.raises(MachineFault, match=r"0\.wav: cannot be decoded \(Too many open files\); that is no fault"):
            run(sounds, store, LEVEL)
    assert run(sounds, store, LEVEL).failures == {}


def test_a_file_that_may_not_be_read_is_not_counted_as_damaged(sounds, store, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("benchmark.features.content_sha256", refused)
    with pytest.raises(MachineFault, match=r"0\.wav: Permission denied"):
        run(sounds, store, LEVEL)


def test_many_files_are_hashed_by_threads(sounds, store, monkeypatch):
    seen = wait_for_a_second(monkeypatch, "benchmark.features.content_sha256", file_sha256)
    done = run(sounds, store, LEVEL)
    assert list(done.sha256) == sounds
    assert set(seen) == set(sounds)


def test_two_processes_that_fill_one_cache_at_once_do_not_disturb_one_another(sounds, tmp_path):
    """Packs are named after what they hold and renamed when whole, so there is nothing to lock."""
    code = """
import sys
from pathlib import Path
from benchmark.features import Extractor, FeatureStore, Wanted, extract
from support.front_ends import length, level
both = Extractor("test.level", "v1", "audio", level), Extractor("test.length", "v1", "audio", length)
extract([Wanted(Path(path), "audio", both) for path in sys.argv[2:]], FeatureStore(sys.argv[1]), seconds=0.5, workers=0)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    command = [sys.executable, "-c", code, str(shared), *map(str, sounds)]
    both = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0)] * 2
    run(sounds, FeatureStore(alone), LEVEL, LENGTH)
    assert features_below(shared) == features_below(alone)
    assert len(features_below(alone)) == 4
    assert sorted(path for path in shared.rglob("*") if path.is_file()) == packs_below(shared)


def test_equal_files_that_do_not_serve_are_all_named(store, tmp_path):
    paths = [tmp_path / f"{name}.wav" for name in "ab"]
    for path in paths:
        path.write_bytes(b"RIFF and so on")
    done = run(paths, store, LEVEL)
    assert done.failures == {path: f"{path}: not a media file, or damaged" for path in paths}


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (front_ends.refusal, "a sound this quiet has no pitch"),
        (front_ends.nan, "its features by test.odd are not finite"),
    ],
)
def test_a_front_end_that_fails_on_a_file_costs_that_file(sounds, store, prepare, reason):
    odd = Extractor("test.odd", "v1", "audio", prepare)
    done = run(sounds[:1], store, odd)
    assert done.failures == {sounds[0]: f"{sounds[0]}: {reason}"}
    assert not store.has(odd, done.sha256[sounds[0]])


def test_a_network_is_given_batches_and_its_bad_features_cost_one_file(sounds, store, tmp_path):
    media.write_audio(tmp_path / "3.wav", tone(0.75), 16_000)
    batches = []

    def network(prepared):
        batches.append(len(prepared))
        return [
            {"twice": 2 * arrays["level"] if arrays["level"] < 0.4 else arrays["level"] * np.nan} for arrays in prepared
        ]

    double = Extractor("test.double", "v1", "audio", front_ends.level, network=network, batch_size=2)
    paths = [*sounds[:2], tmp_path / "3.wav"]
    done = run(paths, store, double)
    assert batches == [2, 1]
    assert done.computed == 2
    assert done.failures == {paths[2]: f"{paths[2]}: its features by test.double are not finite"}
    expected = 2 * np.abs(media.read_audio_native(paths[1]).samples).mean()
    assert store.read(double, done.sha256[paths[1]])["twice"].item() == pytest.approx(expected)


def many_sounds(folder, count):
    paths = [folder / f"many{place}.wav" for place in range(count)]
    for place, path in enumerate(paths):
        media.write_audio(path, tone(0.2 + place / 100), 16_000)
    return paths


def test_files_are_gathered_while_a_network_works_and_only_so_many(store, tmp_path, monkeypatch):
    paths, gathered, queue_is_full = many_sounds(tmp_path, 9), [], threading.Event()
    original = features._Gathering._still_is

    def still_is(self, path):
        gathered.append(path)
        if len(gathered) == QUEUED_BATCHES + 2:  # one at the network, two that wait, one that is not let in
            queue_is_full.set()
        return original(self, path)

    counts = []

    def network(prepared):
        if not counts:
            assert queue_is_full.wait(timeout=60)  # in vain where files are gathered by the thread that runs networks
        counts.append(len(gathered))
        return prepared

    monkeypatch.setattr(features._Gathering, "_still_is", still_is)
    batched = Extractor("test.batched", "v1", "audio", front_ends.level, network=network, batch_size=1)
    assert run(paths, store, batched, workers=None).computed == 9
    assert all(count <= done + QUEUED_BATCHES + 2 for done, count in enumerate(counts))


@pytest.mark.parametrize("workers", [None, 0, 2])
def test_networks_run_in_the_thread_that_asks_and_features_are_kept_in_the_order_of_the_files(
    store, tmp_path, monkeypatch, workers
):
    paths, threads, kept = many_sounds(tmp_path, 5), set(), []
    monkeypatch.setattr(pending, "PENDING_FILES", 1)
    original = FeatureStore.write_many
    monkeypatch.setattr(
        FeatureStore,
        "write_many",
        lambda self, *given: kept.append((given[0].name, *given[1])) or original(self, *given),
    )

    def network(prepared):
        threads.add(threading.get_ident())
        return prepared

    batched = Extractor("test.batched", "v1", "audio", front_ends.level, network=network, batch_size=2)
    done = run(paths, store, batched, LENGTH, workers=workers)
    assert threads == {threading.get_ident()}
    first, second, third, fourth, fifth = (done.sha256[path] for path in paths)
    length, batch = LENGTH.name, batched.name
    assert kept == [
        (length, first), (batch, first, second), (length, second), (length, third), (batch, third, fourth),
        (length, fourth), (length, fifth), (batch, fifth),
    ]  # fmt: skip


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("odd")])
@pytest.mark.parametrize("workers", [None, 0, 2])
def test_what_a_network_raises_ends_all_and_is_raised(store, tmp_path, workers, error):
    before = set(threading.enumerate()), set(multiprocessing.active_children())

    def left_behind():
        return set(threading.enumerate()) - before[0], set(multiprocessing.active_children()) - before[1]

    def network(_prepared):
        raise error

    failing = Extractor("test.failing", "v1", "audio", front_ends.level, network=network, batch_size=1)
    with pytest.raises(type(error)) as raised:
        run(many_sounds(tmp_path, 9), store, failing, workers=workers)
    assert raised.value is error
    deadline = time.monotonic() + 60
    while left_behind() != (set(), set()) and time.monotonic() < deadline:
        time.sleep(0.01)  # a thread ends when it comes to it
    assert left_behind() == (set(), set())


def test_the_number_of_workers_does_not_change_a_byte(tmp_path):
    """The real front ends, on every rate and layout that models write, resampled by torch."""
    random = np.random.default_rng(5)
    paths = []
    for rate in (8_000, 16_000, 44_100):
        for place in range(2):
            paths.append(tmp_path / f"{rate}_{place}.wav")
            media.write_audio(paths[-1], random.uniform(-0.5, 0.5, round(5 * rate)).astype(np.float32), rate)
    audio, *_ = SignalProfile().audio
    kept = []
    for workers in (0, 1, 2):
        store = FeatureStore(tmp_path / f"cache{workers}")
        assert extract(wanted(paths, audio), store, seconds=5.0, workers=workers).computed == 6
        kept.append(features_below(tmp_path / f"cache{workers}"))
    assert kept[0] == kept[1] == kept[2]
    assert len(kept[0]) == 6


def stereo(path, left, right, rate):
    import soundfile

    soundfile.write(path, np.stack([left, right], axis=1), rate, subtype="PCM_16")


@pytest.mark.parametrize(
    ("rate", "channels", "seconds", "reason"),
    [
        (16_000, 1, 8.0, None),
        (44_100, 2, 8.0, None),
        (8_000, 1, 8.0, None),
        (48_000, 2, 10.0, None),
        (16_000, 1, 7.98, "7.980 s of sound, 8 s are scored"),
        (44_100, 2, 7.9999, "8.000 s of sound, 8 s are scored"),
    ],
)
def test_every_rate_layout_and_length_has_a_defined_outcome(tmp_path, store, rate, channels, seconds, reason):
    path = tmp_path / "sound.wav"
    sound = tone(seconds=seconds, rate=rate)
    stereo(path, sound, sound, rate) if channels == 2 else media.write_audio(path, sound, rate)
    audio, *_ = SignalProfile().audio
    done = extract(wanted([path], audio), store, seconds=8.0, workers=0)
    if reason:
        assert done.failures == {path: f"{path}: {reason}"}
        return
    kept = store.read(audio, done.sha256[path])
    assert kept["onset"].shape == (200,)
    reference = tmp_path / "reference.wav"
    media.write_audio(reference, tone(seconds=8.0), 16_000)
    of_reference = extract(wanted([reference], audio), store, seconds=8.0, workers=0)
    # The same tone at another rate is the same sound where it sounds at all; 0.05 bel is half a decibel.
    loud = store.read(audio, of_reference.sha256[reference])["embedding"][:40] > -4
    difference = np.abs(kept["embedding"] - store.read(audio, of_reference.sha256[reference])["embedding"])[:40][loud]
    assert loud.sum() >= 3
    assert difference.max() < 0.05


def test_progress_counts_the_files_that_are_read(sounds, store):
    seen = []
    run(sounds, store, LEVEL, progress=lambda *step: seen.append(step))
    assert seen == [("features", 0, 2), ("features", 1, 2), ("features", 2, 2)]


def test_a_file_that_ends_its_worker_is_named_with_all_its_copies_and_the_others_are_kept(sounds, store, tmp_path):
    media.write_audio(tmp_path / "loud.wav", tone(0.95), 16_000)
    crashing = Extractor("test.crashing", "v1", "audio", front_ends.crash_when_loud)
    shutil.copyfile(tmp_path / "loud.wav", tmp_path / "again.wav")
    loud = [tmp_path / "loud.wav", tmp_path / "again.wav"]
    done = run([loud[0], *sounds, loud[1]], store, crashing, workers=2)
    reason = "ended the process that read it, twice: killed by SIGSEGV"
    assert done.failures == {path: f"{path}: {reason}" for path in loud}
    assert done.computed == 2
    assert all(store.has(crashing, done.sha256[path]) for path in sounds)


def test_workers_that_cannot_begin_are_one_line_and_nothing_half_done(sounds, store, monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "_serve", Path("work.py").read_text)  # fails in the process
    with pytest.raises(WorkerDied, match=r"a worker process ended before it had begun.*--workers 0"):
        run(sounds, store, LEVEL, workers=2)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_features_are_written_whole_or_not_at_all(store, monkeypatch):
    def killed(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write(LEVEL, "ab" * 32, {"level": np.zeros(3)})
    assert not store.has(LEVEL, "ab" * 32)


WORKER_MODULE = """
import os, sys, time
from pathlib import Path

def prepare(audio, seconds):
    Path(sys.argv[1]).with_name(f"pid.{os.getpid()}").touch()
    time.sleep(60)
    return {}
"""
WORKER_PROGRAM = """
import sys
from pathlib import Path
from benchmark.features import Extractor, FeatureStore, Wanted, extract
from slow_work import prepare

slow = Extractor("test.slow", "v1", "audio", prepare)
paths = [Path(name) for name in sys.argv[1:]]
extract([Wanted(path, "audio", (slow,)) for path in paths], FeatureStore("cache"), seconds=0.5, workers=2)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def await_that(condition):
    """Wait; the test's own patience, not a measurement."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited a minute in vain")


def test_workers_do_not_outlive_a_killed_parent(sounds, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(WORKER_PROGRAM)
    (tmp_path / "slow_work.py").write_text(WORKER_MODULE)
    process = subprocess.Popen([sys.executable, program, *sounds[:2]], cwd=tmp_path, start_new_session=True)
    try:
        await_that(lambda: len(list(tmp_path.glob("pid.*"))) == 2)
        workers = [int(path.suffix[1:]) for path in tmp_path.glob("pid.*")]
        process.send_signal(signal.SIGKILL)
        process.wait()
        await_that(lambda: not any(map(alive, workers)))
    finally:
        process.kill()


def test_what_is_not_asked_for_is_not_imported():
    """Worker processes start quickly: reading sounds at their own rate needs neither torch nor scikit-learn."""
    heavy = "[name for name in ('torch', 'sklearn', 'matplotlib', 'transformers') if name in sys.modules]"
    program = f"import sys, benchmark.features, benchmark.profiles.signal; print({heavy})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_prepares_sounds_without_importing_a_networks_package():
    code = """
import sys
import numpy as np
from foundation import media
from benchmark.profiles import front_ends
sound = media.Audio(np.zeros((1, 32_000), np.float32), 16_000)
for name in ("panns", "kadtk", "clap", "synchformer_audio"):
    getattr(front_ends, f"prepare_{name}")(sound, 1.0)
print(sorted({"laion_clap", "panns_inference", "transformers", "torchvision"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
