"""A source is two files, film and sound: one without the other is not done."""

import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.collecting.clips import find_clips

ROWS = [("aaaaaaaaaaa_000001", "dog barking", "Animal"), ("bbbbbbbbbbb_000002", "raining", "Nature")]
SOURCES = pd.DataFrame(ROWS, columns=["clip_id", "label", "category"])


@pytest.fixture
def build(film, tmp_path, monkeypatch):
    """Builds two clips of 0.6 s, with films and scenes that cost nothing; the sounds are real."""
    clips = tmp_path / "clips"
    clips.mkdir()
    for place, (clip_id, *_) in enumerate(ROWS):
        film.write(clips / f"{clip_id}.mp4", seconds=0.6, sound=film.noise(0.6, seed=place))

    def write(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        film.write(output, seconds=0.08)

    monkeypatch.setattr("vgg_monoaudio.composition.cut", lambda source, output, **_cut: write(output))
    monkeypatch.setattr("vgg_monoaudio.composition.compose", lambda a, b, output, *_rest, **_named: write(output))
    settings = Settings(name="two", inter_pairs=2, duration_seconds=0.4)
    return lambda name: build_benchmark(SOURCES, find_clips(clips), tmp_path / name, settings, workers=1)


def test_a_build_stopped_between_a_source_s_film_and_its_sound_makes_both(build, tmp_path, monkeypatch):
    straight = build("straight").benchmark.path
    write_audio = media.write_audio

    def stopped(path, *given):
        if ROWS[1][0] in path.name:
            raise KeyboardInterrupt
        write_audio(path, *given)

    monkeypatch.setattr(media, "write_audio", stopped)
    with pytest.raises(KeyboardInterrupt):
        build("resumed")
    (film_alone,) = (tmp_path / "resumed.building").glob(f"sources/{ROWS[1][0]}.*")
    assert film_alone.suffix == ".mp4"
    monkeypatch.setattr(media, "write_audio", write_audio)
    resumed = build("resumed").benchmark.path
    names = {path.name for path in (resumed / "sources").iterdir()}
    assert names == {f"{clip}.{suffix}" for clip, *_ in ROWS for suffix in ("mp4", "wav")}
    for name in names:
        assert (resumed / "sources" / name).read_bytes() == (straight / "sources" / name).read_bytes()
