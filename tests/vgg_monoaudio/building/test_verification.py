"""Verification: a sound benchmark has no differences, and every kind of damage shows as its own line."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio import load_benchmark
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.verification import differences
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.dataset import BenchmarkError


@pytest.fixture(scope="module")
def built(film, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rows = [("a", "dog barking", "Animal"), ("b", "cat meowing", "Animal")]
    for seed, (clip_id, *_) in enumerate(rows):
        film.write(folder / f"{clip_id}.mp4", seconds=0.4, sound=film.noise(0.4, seed=seed))
    sources = pd.DataFrame(rows, columns=["clip_id", "label", "category"])
    settings = Settings(duration_seconds=0.4)
    return build_benchmark(sources, find_clips(folder), folder / "built", settings).benchmark.path


@pytest.fixture
def own(built, tmp_path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(built, tmp_path / "own")
    return tmp_path / "own"


def test_a_benchmark_as_it_was_built_has_no_differences(own):
    assert differences(load_benchmark(own)) == []


@pytest.mark.parametrize("file", ["intra/video/a__b.mp4", "sources/a.wav", "sources/b.mp4"])
def test_a_changed_file_is_named(own, file):
    content = bytearray((own / file).read_bytes())
    content[-1] ^= 1
    (own / file).write_bytes(content)
    assert differences(load_benchmark(own)) == [f"{own / file}: not the file that was built"]


def edit_record(own: Path, edit: Callable[[dict], object]) -> None:
    record = json.loads((own / "benchmark.json").read_text())
    edit(record)
    (own / "benchmark.json").write_text(json.dumps(record))


def cut_manifest(own: Path, rows: int) -> Path:
    """Keep the first rows of the intra-class manifest alone."""
    manifest = own / "intra" / "manifest.csv"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[: rows + 1]))
    return manifest


def test_a_row_that_is_gone_is_counted(own):
    manifest = cut_manifest(own, 1)
    with pytest.raises(BenchmarkError, match=rf"^{manifest}: 1 rows, but benchmark\.json counts 2 samples of intra; "):
        load_benchmark(own)


def test_a_scene_whose_row_is_gone_is_unexpected(own):
    cut_manifest(own, 1)
    edit_record(own, lambda record: record["counts"].update(intra=1))
    assert differences(load_benchmark(own)) == [f"{own / 'intra' / 'video' / 'b__a.mp4'}: not part of the benchmark"]


def test_files_that_the_record_does_not_list_are_named(own):
    (own / "sources" / ".a.7.partial.mp4").touch()
    (own / "intra" / "video" / "more.mp4").touch()
    assert differences(load_benchmark(own)) == [
        f"{own / 'sources' / '.a.7.partial.mp4'}: not part of the benchmark",
        f"{own / 'intra' / 'video' / 'more.mp4'}: not part of the benchmark",
    ]


def replaced(own: Path, scene: Path) -> None:
    """Put the scene's new hash into the manifest, as if it had been built so."""
    manifest = own / "intra" / "manifest.csv"
    rows = pd.read_csv(manifest, dtype=str).set_index("filename", drop=False)
    rows.loc[scene.stem, "sha256"] = hashlib.sha256(scene.read_bytes()).hexdigest()
    rows.to_csv(manifest, index=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda film, scene: film.write(scene, seconds=0.4), "picture came out as", id="size"),
        pytest.param(
            lambda film, scene: media.mux(scene, film.noise(0.5, seed=0), 16_000, scene), "sound", id="length"
        ),
        pytest.param(lambda film, scene: scene.write_text("tea"), "not a media file, or damaged", id="no video"),
    ],
)
def test_a_scene_of_the_recorded_hash_is_probed_all_the_same(film, own, change, message):
    scene = own / "intra" / "video" / "a__b.mp4"
    change(film, scene)
    replaced(own, scene)
    (line,) = differences(load_benchmark(own))
    assert line.startswith(f"{scene}: ")
    assert message in line


def test_a_film_without_a_recorded_hash_is_not_taken_as_right(own):
    edit_record(own, lambda record: record["sources"][0].pop("video_sha256"))
    assert differences(load_benchmark(own)) == [
        f"{own / 'sources' / 'a.mp4'}: no hash of it was recorded; build the benchmark again"
    ]


def test_a_source_that_no_sample_uses_is_checked_too(own):
    edit_record(own, lambda record: record["sources"].append({**record["sources"][0], "clip_id": "z"}))
    shutil.copy(own / "sources" / "a.mp4", own / "sources" / "z.mp4")
    assert differences(load_benchmark(own)) == [f"{own / 'sources' / 'z.wav'}: missing"]
