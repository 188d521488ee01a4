"""The embedded benchmark: the demo's sources through the code of the real one, made once and reused."""

from dataclasses import replace
from pathlib import Path

import pytest

from vgg_monoaudio.building.scenes import BuildError
from vgg_monoaudio.demo import benchmark as demo_benchmark
from vgg_monoaudio.demo.benchmark import DEMO_SETTINGS, build_demo_benchmark
from vgg_monoaudio.demo.clips import DEMO_LABELS, demo_sources

SHORT = replace(DEMO_SETTINGS, duration_seconds=0.4)


@pytest.fixture
def films(film, monkeypatch) -> list[Path]:
    """Short films in place of the demo's, and scenes that are made at once; lists the folders they went to."""
    folders: list[Path] = []

    def write_films(folder: Path, *, seed: int, workers: int | None):
        folder.mkdir(parents=True)
        folders.append(folder)
        for place, clip_id in enumerate(demo_sources()["clip_id"]):
            film.write(folder / f"{clip_id}.mp4", seconds=0.4, sound=film.noise(0.4, seed=seed * 100 + place))
        return demo_sources()

    def compose(target, paired, output, side, *_, **__):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(f"{target.name} {paired.name} {side}")

    monkeypatch.setattr(demo_benchmark, "write_demo_sources", write_films)
    monkeypatch.setattr("vgg_monoaudio.composition.compose", compose)
    monkeypatch.setattr("vgg_monoaudio.composition.cut", lambda source, output, **_: output.parent.mkdir(
        parents=True, exist_ok=True) or output.write_bytes(source.read_bytes()))  # fmt: skip
    return folders


def test_the_demo_has_32_scenes_of_each_subset_over_all_labels(films, tmp_path):
    built = build_demo_benchmark(tmp_path / "data" / "demo", SHORT).benchmark
    assert built.name == "demo"
    assert {subset: len(built.samples(subset)) for subset in built.subsets} == {"inter": 32, "intra": 32}
    for subset in built.subsets:
        assert {sample.label for sample in built.samples(subset)} == set(DEMO_LABELS)
        assert {sample.target_side for sample in built.samples(subset)} == {"left", "right"}
    assert len(built.sources) == 16


def test_its_films_are_removed_whether_it_is_built_or_not(films, tmp_path, monkeypatch):
    build_demo_benchmark(tmp_path / "demo", SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    with pytest.raises(BuildError):
        build_demo_benchmark(tmp_path / "demo", replace(SHORT, seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_demo_of_the_same_settings_is_taken_as_it_is_without_filming(films, tmp_path):
    first = build_demo_benchmark(tmp_path / "demo", SHORT)
    again = build_demo_benchmark(tmp_path / "demo", SHORT)
    assert (first.reused, again.reused) == (False, True)
    assert len(films) == 1
    assert len(again.benchmark) == 64


def test_another_benchmark_is_replaced_only_when_told(films, tmp_path):
    build_demo_benchmark(tmp_path / "demo", SHORT)
    other = replace(SHORT, seed=1)
    with pytest.raises(BuildError, match=r"other clips or settings \(.*; seed: 0 there, 1 asked for\)"):
        build_demo_benchmark(tmp_path / "demo", other)
    assert len(films) == 1, "refused before any film is drawn"
    with pytest.raises(BuildError, match=r"\(demo 2\.0 is there, demo 3\.0 asked for.*\. It is still read and scored"):
        build_demo_benchmark(tmp_path / "demo", replace(SHORT, version="3.0"))
    assert build_demo_benchmark(tmp_path / "demo", other, overwrite=True).benchmark.record.settings.seed == 1


def test_a_damaged_demo_is_named_and_built_again_when_told(films, tmp_path):
    built = build_demo_benchmark(tmp_path / "demo", SHORT).benchmark
    missing = built.samples("inter")[0].video
    missing.unlink()
    with pytest.raises(BuildError, match=r"missing; .*pass --overwrite to build it again"):
        build_demo_benchmark(tmp_path / "demo", SHORT)
    build_demo_benchmark(tmp_path / "demo", SHORT, overwrite=True)
    assert missing.is_file()


@pytest.mark.slow(minutes=6)
def test_the_real_demo_is_sound_and_byte_identical_when_built_twice(tmp_path):
    from vgg_monoaudio.building.verification import differences

    trees = []
    for workers in (1, 2):
        built = build_demo_benchmark(tmp_path / str(workers), workers=workers).benchmark
        assert differences(built) == []
        trees.append({path.relative_to(built.path): path.read_bytes() for path in built.path.rglob("*.*")})
    assert trees[0] == trees[1]
