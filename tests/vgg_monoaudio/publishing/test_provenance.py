"""What card, metadata and exports say of benchmarks of others and of lists of one's own."""

import json
from dataclasses import replace

import pytest
from support.small_films import KEPT_SECONDS, write_film

from vgg_monoaudio.building.listed import ListedSample, ListSettings, build_listed
from vgg_monoaudio.public.catalogue import BENCHMARKS
from vgg_monoaudio.publishing.card import CITATION, card
from vgg_monoaudio.publishing.croissant import croissant
from vgg_monoaudio.publishing.hugging_face import export_hugging_face
from vgg_monoaudio.publishing.provenance import origin, provenance
from vgg_monoaudio.publishing.statistics import benchmark_statistics

SETTINGS = ListSettings("mine", "own-list", "target", "5" * 64, duration_seconds=KEPT_SECONDS)


@pytest.fixture
def listed(tmp_path):
    """Build a benchmark of two films of some kind."""
    films = [write_film(tmp_path / f"{name}.mp4", pitch=pitch) for name, pitch in (("bell", 900), ("gong", 200))]

    def build(**settings):
        chosen = replace(SETTINGS, **settings)
        samples = [
            ListedSample(
                film.stem, film, prompt=f"a {film.stem}", audio=None if chosen.own_sound == "none" else film,
                category="Metal", negative_prompt="music",
                paired_label="a drum" if chosen.own_sound == "paired" else "",
            )
            for film in films
        ]  # fmt: skip
        return build_listed(samples, tmp_path / chosen.kind / chosen.own_sound, chosen, workers=1).benchmark

    return build


@pytest.mark.parametrize("row", [row for row in BENCHMARKS if row.source], ids=lambda row: row.name)
def test_a_benchmark_of_others_is_named_with_its_own_paper_licence_and_source(listed, row):
    part = row.parts[-1]
    built = listed(kind=row.name, part=part.name, own_sound=part.own_sound or "target")
    text, said = card(built), croissant(built)
    assert origin(built) == "public"
    for word in (row.title, row.paper, row.source, row.licence, row.verified, part.what, "5" * 64):
        assert word in text
    assert (said["url"], said["license"]) == (row.source, [row.licence])
    for wrong in (CITATION, "VGGSounder", "VGGSound's test split", "licences/by/4.0"):
        assert wrong not in text
        assert wrong not in json.dumps(said)


def test_a_list_of_one_s_own_is_neither_cited_nor_licensed_for_its_user(listed):
    built = listed()
    text, said = card(built), croissant(built)
    assert origin(built) == "own-list"
    assert "a list of the user's own (SHA-256 `5555" in text
    assert "## Citation" not in text
    assert not {"url", "citeAs", "license"} & said.keys()
    assert "the copyright stays with those who made them" in text


@pytest.mark.parametrize(
    ("own_sound", "said"),
    [
        ("target", "The reference is the film's own recording, or the one that the list names"),
        ("paired", "what is *not* asked for"),
        ("none", "There are no recordings to compare with"),
    ],
)
def test_the_card_says_what_a_film_s_own_sound_is(listed, own_sound, said):
    built = listed(own_sound=own_sound)
    text = card(built)
    assert said in provenance(built).what.replace("\n", " ")
    assert ("sources/<clip_id>.mp4, .wav" in text) == (own_sound != "none")
    assert "no soundtrack" in text
    assert "| `negative_prompt` | what a model is told to leave out |" in text


def test_a_film_shown_alone_has_no_side(listed):
    (counts,) = benchmark_statistics(listed(own_sound="paired")).subsets
    assert counts.on_the_left is None


def test_files_that_are_not_there_are_not_described(listed):
    names = {
        own_sound: {part["@id"] for part in croissant(listed(own_sound=own_sound))["distribution"]}
        for own_sound in ("target", "none")
    }
    assert names["target"] - names["none"] == {"source-sounds"}


def test_negative_prompts_are_described_and_exported(listed, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    built = listed()
    (samples,) = (part for part in croissant(built)["recordSet"] if part["@id"] == "single")
    assert "single/negative_prompt" in {field["@id"] for field in samples["field"]}
    export_hugging_face(built, tmp_path / "hf")
    (file,) = (tmp_path / "hf" / "single").glob("*.parquet")
    assert parquet.read_table(file)["negative_prompt"].to_pylist() == ["music", "music"]
