"""Readers of public benchmarks: the official layout on a small folder, and what is refused."""

import base64
from dataclasses import replace

import pandas as pd
import pytest
from support.small_films import KEPT_SECONDS, tone, write_film

from foundation import media
from vgg_monoaudio.public.benchmark import BadListing, PublicBenchmark
from vgg_monoaudio.public.build import build_public
from vgg_monoaudio.public.catalogue import BENCHMARKS, get_benchmark, markdown_table
from vgg_monoaudio.public.greatest_hits import read_times

ID = "zpWuikVorYg_000032"
TVC = ["video_id", "label_L0_raw", "label_L0", "label_L1_subject", "label_L1_action", "label_L2", "label_L3"]


def small(name: str, samples: int | None = 1) -> PublicBenchmark:
    """A benchmark of so many samples, whose list is not the published one."""
    row = get_benchmark(name)
    return replace(row, parts=tuple(replace(part, samples=samples, list_sha256="") for part in row.parts))


def build(row, files, out, part=None):
    return build_public(row, files, out, part=part, duration_seconds=KEPT_SECONDS, workers=1).benchmark


@pytest.fixture
def tvc(tmp_path):
    files = tmp_path / "tvc"
    write_film(files / "clips" / f"{ID}.mp4")
    cells = [ID, "elk bugling", "elk bugling", "wolf howling", "elk screaming", "air raid siren", "dog barking"]
    (files / "conflict_dataset_full.tsv").write_text("\t".join(TVC) + "\n" + "\t".join(cells) + "\n")
    return files


def test_at_l0_the_clip_is_the_reference_and_from_l1_on_the_sound_not_asked_for(tvc, tmp_path):
    (agreeing,) = build(small("vggsound-tvc"), tvc, tmp_path / "L0", "L0")
    assert (agreeing.label, agreeing.paired_label, agreeing.target_audio is None) == ("elk bugling", "", False)
    (other,) = build(small("vggsound-tvc"), tvc, tmp_path / "L2", "L2")
    assert (other.label, other.paired_label, other.target_audio) == ("air raid siren", "elk bugling", None)
    assert other.paired_audio.is_file()


def test_a_part_is_asked_for_where_there_are_several(tvc, tmp_path):
    with pytest.raises(ValueError, match=r"--part: expected L0, L1-subject, L1-action, L2 or L3, got nothing"):
        build(small("vggsound-tvc"), tvc, tmp_path / "out")


def test_a_list_that_is_not_the_published_one_is_refused(tvc, tmp_path):
    with pytest.raises(BadListing, match="not the published list"):
        build("vggsound-tvc", tvc, tmp_path / "out", "L2")


def test_another_number_of_samples_is_refused(tvc, tmp_path):
    with pytest.raises(BadListing, match="1 samples, 2 were published"):
        build(small("vggsound-tvc", 2), tvc, tmp_path / "out", "L2")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("label_L2", "label_2", "no column 'label_L2'", id="column"),
        pytest.param(ID, f"../{ID}", "cannot name a sample", id="traversal"),
        pytest.param(ID, "x" * 300, r"sample 'x{40}'\.\.\. has an id of 300 bytes, and at most 230 name", id="length"),
    ],
)
def test_a_list_of_another_form_is_refused(tvc, tmp_path, old, new, message):
    file = tvc / "conflict_dataset_full.tsv"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(BadListing, match=message):
        build(small("vggsound-tvc"), tvc, tmp_path / "out", "L2")


def test_films_of_movie_gen_have_prompts_and_no_reference(tmp_path):
    films = tmp_path / "MovieGenAudioBenchSfx" / "video_with_audio"
    write_film(films / "7.mp4")
    (tmp_path / "MovieGenAudioBenchSfx.jsonl").write_text(
        '{"id": 7, "video_prompt": "a dog", "audio_prompt": "lapping"}'
    )
    (sample,) = build(small("movie-gen-audio-bench"), tmp_path, tmp_path / "out", "sfx")
    assert (sample.sample_id, sample.label, sample.target_audio) == ("7", "lapping", None)


def test_films_of_foleybench_are_taken_out_of_its_shards(tmp_path):
    film = base64.b64encode(write_film(tmp_path / "film.mp4").read_bytes()).decode()
    (tmp_path / "files" / "data").mkdir(parents=True)
    pd.DataFrame({"key": ["12"], "video_data": [film]}).to_parquet(tmp_path / "files/data/train-00000-of-00001.parquet")
    (tmp_path / "files" / "foleybench.csv").write_text('key,caption,ucs_category\n12,"a saw, sawing",TOOLS\n')
    (sample,) = build(small("foleybench"), tmp_path / "files", tmp_path / "out")
    assert (sample.label, sample.target_category) == ("a saw, sawing", "TOOLS")
    assert (tmp_path / "files" / "clips" / "12.mp4").is_file()


def test_onsets_of_the_greatest_hits_are_those_that_people_annotated(tmp_path):
    write_film(tmp_path / "hit_denoised.mp4", with_sound=False)
    media.write_audio(tmp_path / "hit_denoised.wav", tone(200), 16_000)
    (tmp_path / "hit_times.txt").write_text("0.1 wood hit static\n0.3 None scratch None\n7.5 wood hit static\n")
    (tmp_path / "test.txt").write_text("hit\n")
    (sample,) = build(small("greatest-hits", None), tmp_path, tmp_path / "out", "test")
    assert (sample.sample_id, sample.onset_seconds) == ("hit_denoised", (0.1, 0.3))


def test_a_line_without_a_time_is_named(tmp_path):
    (tmp_path / "times.txt").write_text("0.1 wood hit\nwood\n")
    with pytest.raises(BadListing, match=r"times.txt:2: expected a time"):
        read_times(tmp_path / "times.txt")


def test_a_benchmark_whose_form_was_not_seen_says_what_is_there_and_how_to_go_on(tmp_path):
    (tmp_path / "metadata.json").write_text("{}")
    with pytest.raises(
        BadListing, match=r"no list.csv or list.jsonl in it, but metadata.json; .*build-public own-list"
    ):
        build("vintage-bench", tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param("a.mp4,a,a.mp4\na.mp4,b,a.mp4\n", "sample 'a' is listed twice", id="doubled"),
        pytest.param("a.mp4,a,a.mp4\nb.mp4,b,\n", "1 of 2 samples have no audio, the first is 'b'", id="mixed"),
        pytest.param("a.mp4,,a.mp4\n", "sample 'a' has no prompt", id="no prompt"),
        pytest.param("a.mp4,a\n", "2 cells, the header has 3", id="width"),
    ],
)
def test_an_own_list_with_a_fault_is_refused(tmp_path, rows, message):
    (tmp_path / "mine.csv").write_text(f"video,prompt,audio\n{rows}")
    with pytest.raises(BadListing, match=message):
        build("own-list", tmp_path / "mine.csv", tmp_path / "out")


def test_every_row_is_whole_and_shown():
    for row in BENCHMARKS:
        assert row.what
        assert row.licence
        assert row.access
        assert row.layout
        assert row.verified
        assert f"| {row.name}" in markdown_table()


def test_an_unknown_name_is_answered_with_what_is_close():
    with pytest.raises(ValueError, match="did you mean foleybench"):
        get_benchmark("foleybensh")
