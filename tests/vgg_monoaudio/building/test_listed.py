"""Benchmarks of lists: what is written of samples with a reference sound, without, and with a sound not asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.small_films import KEPT_SECONDS, tone, write_film

from foundation import media
from vgg_monoaudio.building.listed import ListedSample, ListSettings, build_listed
from vgg_monoaudio.building.result import BuildError
from vgg_monoaudio.building.verification import differences
from vgg_monoaudio.dataset import BenchmarkError, load_benchmark, source_clips

SETTINGS = ListSettings("mine", "own-list", "target", "0" * 64, duration_seconds=KEPT_SECONDS)


@pytest.fixture(scope="session")
def films(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "dog": write_film(folder / "dog.mp4", pitch=300),
        "car": write_film(folder / "car.mp4", pitch=900),
        "mute": write_film(folder / "mute.mp4", with_sound=False),
    }


def sample(name: str, film: Path, **fields) -> ListedSample:
    return ListedSample(name, film, **{"prompt": f"a {name}", "audio": film, "category": "Things", **fields})


def build(samples, out: Path, settings: ListSettings = SETTINGS, **options):
    return build_listed(samples, out, settings, workers=1, **options)


def test_a_sample_has_its_prompt_its_film_and_its_reference_sound(films, tmp_path):
    built = build([sample("dog", films["dog"]), sample("car", films["car"])], tmp_path / "out")
    dog, car = built.benchmark.samples("single")
    assert (dog.sample_id, dog.label, car.label) == ("dog", "a dog", "a car")
    assert dog.target_audio == tmp_path / "out" / "sources" / "dog.wav"
    assert media.read_audio(dog.target_audio, sample_rate=16_000).size == round(16_000 * KEPT_SECONDS)
    assert (dog.paired_label, dog.paired_audio, dog.negative_prompt, dog.onset_seconds) == ("", None, "", None)
    assert differences(built.benchmark) == []


def test_films_are_silent_so_that_no_model_hears_what_it_is_asked_for(films, tmp_path):
    built = build([sample("dog", films["dog"])], tmp_path / "out")
    for path in (built.benchmark.samples("single")[0].video, built.benchmark.sources[0].video):
        assert media.probe(path).audio is None
    assert built.benchmark.record.settings.soundtrack == "none"


def test_the_reference_sound_may_be_another_file_and_the_film_mute(films, tmp_path):
    media.write_audio(tmp_path / "dog.wav", tone(300), 16_000)
    built = build([sample("mute", films["mute"], audio=tmp_path / "dog.wav")], tmp_path / "out")
    assert built.benchmark.samples("single")[0].target_audio.is_file()


def test_a_benchmark_without_reference_sounds_has_films_alone(films, tmp_path):
    settings = replace(SETTINGS, own_sound="none")
    samples = [sample("mute", films["mute"], audio=None), sample("dog", films["dog"], audio=None)]
    built = build(samples, tmp_path / "out", settings)
    assert [(s.target_audio, s.paired_audio) for s in built.benchmark] == [(None, None)] * 2
    assert [source.audio for source in built.benchmark.sources] == [None, None]
    assert not list((tmp_path / "out" / "sources").glob("*.wav"))
    assert differences(built.benchmark) == []
    assert build(samples, tmp_path / "out", settings).reused


def test_a_film_whose_own_sound_is_not_asked_for_is_its_own_paired_clip(films, tmp_path):
    settings = replace(SETTINGS, own_sound="paired", kind="vggsound-tvc")
    built = build([sample("dog", films["dog"], paired_label="dog barking")], tmp_path / "out", settings)
    (dog,) = built.benchmark.samples("single")
    assert (dog.target_audio, dog.paired_label, dog.paired_id) == (None, "dog barking", "dog")
    assert dog.paired_audio == tmp_path / "out" / "sources" / "dog.wav"
    assert built.benchmark.record.sources[0].label == "dog barking"
    assert source_clips([dog.target_id], [dog.paired_id]).tolist() == [["dog"]]  # one clip to resample, not two


def test_samples_of_one_film_and_sound_share_a_clip(films, tmp_path):
    built = build([sample("bark", films["dog"]), sample("growl", films["dog"])], tmp_path / "out")
    assert [s.target_id for s in built.benchmark] == ["bark", "bark"]
    assert [source.clip_id for source in built.benchmark.sources] == ["bark"]
    first, second = (s.video for s in built.benchmark)
    assert first.read_bytes() == second.read_bytes()
    assert (built.benchmark.record.counts.clips, built.benchmark.record.counts.single) == (1, 2)


def test_negative_prompts_and_annotated_onsets_come_through(films, tmp_path):
    one = sample("dog", films["dog"], negative_prompt="music", onset_seconds=(0.1, 0.2, 0.45, 0.3))
    build([one, sample("car", films["car"])], tmp_path / "out")
    dog, car = load_benchmark(tmp_path / "out").samples("single")
    assert (dog.negative_prompt, car.negative_prompt) == ("music", "")
    assert (dog.onset_seconds, car.onset_seconds) == ((0.1, 0.2), None)  # up to the first past the end, as upstream


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param({"sample_id": "dog"}, "sample 'dog' is listed twice", id="doubled"),
        pytest.param({"sample_id": "../car"}, r"cannot be named so: .*'../car'", id="traversal"),
        pytest.param({"prompt": ""}, "sample 'car' has no prompt", id="no prompt"),
        pytest.param({"audio": None}, "1 of 2 samples have a sound to compare with", id="some with a reference"),
    ],
)
def test_a_list_that_cannot_be_a_benchmark_is_refused(films, tmp_path, edit, message):
    samples = [sample("dog", films["dog"]), replace(sample("car", films["car"]), **edit)]
    with pytest.raises(BuildError, match=message):
        build(samples, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_list_without_samples_is_refused(tmp_path):
    with pytest.raises(BuildError, match="holds no sample"):
        build([], tmp_path / "out")


def test_films_that_are_missing_short_or_mute_are_named_and_the_rest_is_built_on_request(films, tmp_path):
    short = write_film(tmp_path / "short.mp4", seconds=0.2)
    samples = [
        sample("dog", films["dog"]),
        sample("gone", tmp_path / "gone.mp4"),
        sample("short", short),
        sample("mute", films["mute"]),
        sample("unheard", films["mute"], audio=tmp_path / "gone.wav"),
    ]
    with pytest.raises(BuildError, match="4 of 5 clips cannot be used") as refused:
        build(samples, tmp_path / "out")
    reasons = {problem.clip_id: problem.reason for problem in refused.value.problems}
    assert "gone.mp4: no such file" in reasons["gone"]
    assert "too short" in reasons["short"]
    assert "no audio stream" in reasons["mute"]
    assert "gone.wav" in reasons["unheard"]
    built = build(samples, tmp_path / "out", allow_missing=True)
    assert [s.sample_id for s in built.benchmark] == ["dog"]
    assert [left.clip_id for left in built.benchmark.record.left_out] == ["gone", "short", "mute", "unheard"]
    assert differences(built.benchmark) == []  # nothing is left of those


def test_another_prompt_or_sound_is_another_benchmark(films, tmp_path):
    build([sample("dog", films["dog"])], tmp_path / "out")
    with pytest.raises(BuildError, match="holds a benchmark of other clips or settings"):
        build([sample("dog", films["dog"], prompt="a wolf")], tmp_path / "out")
    with pytest.raises(BuildError, match="holds a benchmark of other clips or settings"):
        build([sample("dog", films["dog"], audio=films["car"])], tmp_path / "out")


def test_a_sound_of_the_benchmark_that_was_replaced_is_noticed(films, tmp_path):
    built = build([sample("dog", films["dog"])], tmp_path / "out")
    media.write_audio(tmp_path / "out" / "sources" / "dog.wav", tone(50)[:6400], 16_000)
    assert len(differences(built.benchmark)) == 1
    with pytest.raises(BenchmarkError, match="not the file that was built"):
        load_benchmark(tmp_path / "out").check_files(built.benchmark.files)


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="own_sound: expected target, paired, none, got 'both'"):
        replace(SETTINGS, own_sound="both")
    with pytest.raises(ValueError, match=r"kind: expected .*own-list, got 'films'"):
        replace(SETTINGS, kind="films")
