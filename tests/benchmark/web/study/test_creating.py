"""A study is created whole or can be gone on with, and its clips tell nothing of whose they are."""

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from support.small_studies import MODELS, SECONDS

from benchmark.web.study import clips, creating, sounds
from benchmark.web.study.creating import OtherStudy
from benchmark.web.study.design import StudyFolder, UnusableStudy
from benchmark.web.study.headphones import RATE, SOFTER_DB, kinds, tones
from benchmark.web.study.settings import UnusableSettings
from benchmark.web.study.study import Study
from foundation.files import WriteFailed, file_sha256
from foundation.media import read_audio, read_video, write_audio


@pytest.fixture
def create(ground, tmp_path):
    def created(name="study", **changes):
        return ground.create(tmp_path / name, **{"headphone_check": False, "tutorial": False, **changes})

    return created


def media_of(folder):
    return sorted((folder / "media").iterdir())


def test_every_model_has_the_same_samples_balanced_over_categories(create):
    design = create().design
    by_model = {model: {item.sample_id for item in design.items if item.answers[0].model == model} for model in MODELS}
    assert len(set(map(frozenset, by_model.values()))) == 1
    categories = Counter(item.category for item in design.items if item.answers[0].model == "oracle")
    assert categories == {"Animal": 2, "Music": 2}


def test_a_clip_is_the_scene_s_picture_with_the_run_s_sound(create, ground):
    created = create()
    for item in created.design.items[:3]:
        (answer,) = item.answers
        clip = created.folder.clip(answer.clip.media)
        scene = ground.benchmark / item.subset / "video" / f"{item.sample_id}.mp4"
        np.testing.assert_array_equal(read_video(clip, fps=5), read_video(scene, fps=5))
        heard = read_audio(clip, sample_rate=16_000)[:16_000]
        given = read_audio(Path(answer.run) / "audio" / f"{item.sample_id}.wav", sample_rate=16_000)
        assert np.corrcoef(heard, given[:16_000])[0, 1] > 0.98  # AAC and two resamplings
        assert file_sha256(clip) == answer.clip.sha256


def test_nothing_in_a_clip_tells_whose_it_is(create):
    folder = create(form="preference", items_per_rater=4, repeats=0, tutorial=True).folder.path
    kinds_of_files = set()
    for path in media_of(folder):
        assert re.fullmatch(r"[0-9a-f]{24}\.mp4", path.name)
        assert path.stat().st_mtime == clips.SAME_TIME
        with av.open(str(path)) as container:
            tags = {**container.metadata}
            streams = [(stream.type, stream.codec.name, stream.time_base, tuple(sorted(stream.metadata.items())))
                       for stream in container.streams]  # fmt: skip
            sound = container.streams.audio[0]
            kinds_of_files.add((tuple(sorted(tags.items())), tuple(streams), sound.rate, sound.layout.name))
        content = path.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat"), "not whole at the first byte for streaming"
        for word in (*MODELS, "Lavf", "Lavc", "aaaaaaaaaaa_", "dog"):  # coded sound has bytes that read "aaa..." too
            assert word.encode() not in content
    assert len(kinds_of_files) == 1
    ((tags, streams, *_),) = kinds_of_files
    assert {name for name, _ in tags} <= {"major_brand", "minor_version", "compatible_brands"}
    assert {name for stream in streams for name, _ in stream[3]} <= {"language", "handler_name", "vendor_id"}


def test_names_depend_on_the_study_s_secret(create):
    one, two = create("one"), create("two")
    assert not {path.name for path in media_of(one.folder.path)} & {path.name for path in media_of(two.folder.path)}
    assert (one.folder.secret.stat().st_mode & 0o777) == 0o600


def test_the_same_command_leaves_a_whole_study_as_it_is(create):
    first = create()
    before = {path: path.stat().st_mtime_ns for path in first.folder.path.rglob("*")}
    again = create()
    assert (first.is_new, again.is_new) == (True, False)
    assert {path: path.stat().st_mtime_ns for path in again.folder.path.rglob("*")} == before


def test_of_a_whole_study_no_lock_is_waited_for_which_a_server_has_all_day(create, monkeypatch):
    create()
    monkeypatch.setattr(creating, "Lock", lambda _: pytest.fail("waits for its server to end"))
    assert not create().is_new


def test_an_interrupted_creation_goes_on_where_it_stopped(create, monkeypatch):
    made, mux = [], clips.mux

    def until_the_fifth(video, sound, rate, output, **options):
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(output)
        mux(video, sound, rate, output, **options)

    monkeypatch.setattr(clips, "mux", until_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        create()
    monkeypatch.setattr(clips, "mux", mux)
    folder = made[0].parents[1]
    with pytest.raises(UnusableStudy, match="not finished; give the command that creates it again"):
        StudyFolder(folder).read()
    (folder / "media" / ".half.mp4.partial").write_bytes(b"x")
    written = {path: path.stat().st_ctime_ns for path in made}
    monkeypatch.setattr(os, "utime", lambda *_: None)
    design = create().design
    assert {path: path.stat().st_ctime_ns for path in made} == written
    assert {path.stem for path in media_of(folder) if path.name[0] != "."} == set(design.clips)


def test_clips_of_other_settings_do_not_stay(create, monkeypatch):
    monkeypatch.setattr(StudyFolder, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        create(samples=6)
    monkeypatch.undo()
    created = create(samples=2)
    assert {path.stem for path in media_of(created.folder.path)} == set(created.design.clips)


def test_a_folder_of_another_study_or_of_something_else_is_refused(create, tmp_path):
    create()
    with pytest.raises(ValueError, match="holds a study of other settings or runs; choose another folder with --out"):
        create(seed=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match=r"holds thesis\.txt, and no study"):
        create("mine")


def test_of_a_study_of_other_settings_each_that_differs_is_named_with_both_values(create, ground):
    create(consent="You may stop. " * 20)
    worded = {"consent": {"title": "Hello"}}
    criteria = {"AQ": {"name": "Q", "question": "How good?", "words": list("12345")}}
    with pytest.raises(OtherStudy) as refused:
        create(samples=2, seed=1, runs=[str(run) for run in ground.runs[:2]], texts=worded, criteria=criteria)
    told = dict(problem.reason.split(": ", 1) for problem in refused.value.problems)
    assert told["samples"] == "4 there, 2 asked for"
    assert told["seed"] == "0 there, 1 asked for"
    assert told["texts.consent.title"] == "'Before you begin' there, 'Hello' asked for"
    assert told["criteria.AQ.name"] == "'Audio quality' there, 'Q' asked for"
    assert re.fullmatch(r"'[0-9a-f]{59}\.\.\. there, nothing asked for", told["runs.inter/oracle"])
    assert told["consent"].startswith("'You may stop. You may")
    assert len(told["consent"]) < 160
    assert not {"title", "runs.inter/mixture", "texts.consent.lead", "name"} & told.keys()


def test_where_the_settings_are_alike_and_other_samples_are_drawn_that_is_said(create, ground, tmp_path):
    runs = tmp_path / "copied"
    for run in ground.runs:
        shutil.copytree(run, runs / run.name)
    given = {"runs": [str(runs / run.name) for run in ground.runs], "samples": 7}
    drawn = {item.sample_id for item in create(**given).design.items}
    (runs / "oracle" / "audio" / f"{min(drawn)}.wav").unlink()
    with pytest.raises(OtherStudy) as refused:
        create(**given)
    (problem,) = refused.value.problems
    assert problem.reason == "samples: others are drawn, since other samples have answers now"


def test_a_disk_that_is_full_is_named_and_nothing_half_stays(create, tmp_path, monkeypatch):
    def full(_video, _sound, _rate, output, **_):
        raise WriteFailed(28, "No space left on device", str(output))

    monkeypatch.setattr(clips, "mux", full)
    with pytest.raises(WriteFailed, match="No space left on device; free some space there"):
        create()
    assert not (tmp_path / "study" / "study.json").exists()
    assert not list((tmp_path / "study").glob("media/*"))
    monkeypatch.undo()
    assert create().is_new


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"runs": ["results/none"]}, f"runs: {Path.cwd()}/results/none/run.json: no such file"),
        ({"samples": ["nowhere"]}, "samples: 'nowhere': no such sample"),
        ({"samples": 9}, "samples: 9 asked for, 8 of inter have an answer of every model"),
        ({"subsets": ["single", "intra"]}, "subsets: single, intra asked for, but the runs are of inter"),
        ({"items_per_rater": None, "minutes_per_rater": 1}, "minutes_per_rater: 1 do not suffice for one item"),
        ({"items_per_rater": None, "minutes_per_rater": 2}, "repeats: 1 of the 2 items of a rater"),
        ({"samples": 1, "items_per_rater": 20}, "repeats: 1 of the 3 items of a rater"),
        ({"form": "preference", "items_per_rater": 12}, "repeats: 1 of the 4 items of a rater"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_made(create, tmp_path, changes, told):
    with pytest.raises(UnusableSettings) as refused:
        create(**changes)
    assert told in " ".join(problem.reason for problem in refused.value.problems)
    assert not (tmp_path / "study").exists()


def test_what_is_wrong_with_sentences_and_with_runs_is_named_together(create):
    with pytest.raises(UnusableSettings) as refused:
        create(runs=["results/none"], texts={"consnet": {}})
    assert [problem.reason.partition(":")[0] for problem in refused.value.problems] == ["texts.consnet", "runs"]


def test_a_run_of_other_samples_is_refused_and_one_of_another_version_with_the_same_is_not(create, ground, tmp_path):
    run = tmp_path / "copied" / "oracle"
    shutil.copytree(ground.runs[2], run)
    record = json.loads((run / "run.json").read_text())
    assert create(runs=[str(run)], repeats=0).is_new
    record["benchmark"]["version"] = "9"
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(UnusableSettings) as refused:
        create("other", runs=[str(run)], repeats=0)
    told = rf"runs: {run}: of small 9, whose inter is not that of small \S+ in {ground.benchmark}; pass"
    assert re.match(told, refused.value.problems[0].reason)


def test_a_sample_that_a_run_did_not_answer_is_not_drawn_and_named(create, ground, tmp_path):
    runs = tmp_path / "copied"
    shutil.copytree(ground.runs[0], runs / "distractor")
    first = sorted((runs / "distractor" / "audio").iterdir())[0]
    first.unlink()
    created = create(runs=[str(runs / "distractor"), str(ground.runs[2])], samples=7)
    assert created.left_out == (f"inter/{first.stem}",)
    with pytest.raises(UnusableSettings) as refused:
        create("other", runs=[str(runs / "distractor"), str(ground.runs[2])], samples=[first.stem])
    assert "a run has no answer to it" in refused.value.problems[0].reason


def test_two_runs_of_one_model_are_refused(create, ground):
    with pytest.raises(UnusableSettings) as refused:
        create(runs=[str(ground.runs[0]), str(ground.runs[0]), str(ground.runs[1])])
    assert refused.value.problems[0].reason == "runs: two of 'distractor' on inter"


def test_a_preference_compares_every_two_models_in_the_order_of_their_names(create):
    design = create(form="preference", items_per_rater=4, repeats=0).design
    assert len(design.items) == 4 * 3
    assert {tuple(answer.model for answer in item.answers) for item in design.items} == {
        ("distractor", "mixture"), ("distractor", "oracle"), ("mixture", "oracle"),
    }  # fmt: skip


def test_of_a_preference_a_rater_judges_no_more_pairs_than_have_no_answer_in_common(create):
    created = create(form="preference", items_per_rater=12, repeats=0, attention=2)
    assert (created.design.items_per_rater, created.asked_items) == (4, 12)  # one pair of three models in each scene
    assert created.design.seconds_per_rater == 60 + 6 * created.design.each_seconds


def test_equal_loudness_brings_every_clip_to_one_and_none_to_clip(create):
    created = create(loudness="equal")
    assert -33 <= created.design.target_lufs <= -23
    found = set()
    for item in created.design.items:
        (answer,) = item.answers
        sound = read_audio(created.folder.clip(answer.clip.media), sample_rate=sounds.RATE)
        assert np.abs(sound).max() < 1
        found.add(round(sounds.loudness(sound)))
        assert answer.clip.gain_db != 0
    assert found <= {round(created.design.target_lufs) + step for step in (-1, 0, 1)}


def test_a_sound_is_not_brought_to_clip_and_silence_stays(tmp_path):
    click = np.zeros(sounds.RATE, np.float32)
    click[::4800] = 0.9
    loud, soft = sounds.Level.of(click), sounds.Level.of(np.sin(np.arange(sounds.RATE) / 9).astype(np.float32) / 100)
    target = sounds.common_lufs([loud, soft])
    for level in (loud, soft):
        assert level.peak * 10 ** (sounds.gain_db(level, target) / 20) <= sounds.PEAK + 1e-4
    assert sounds.gain_db(sounds.Level.of(np.zeros(sounds.RATE, np.float32)), target) == 0
    assert sounds.gain_db(soft, target) == pytest.approx(target - soft.lufs, abs=1e-3)


def test_a_bad_example_is_what_it_is_said_to_be(tmp_path):
    tone = (0.3 * np.sin(np.arange(sounds.RATE * 4) / 10) * (np.arange(sounds.RATE * 4) < 24_000)).astype(np.float32)
    write_audio(tmp_path / "tone.wav", tone, sounds.RATE)
    plain, late, bad = (
        sounds.Sound(tmp_path / "tone.wav", 4.0, change).read() for change in ("", "shifted", "noisy")
    )  # fmt: skip
    np.testing.assert_array_equal(late[72_000:], plain[:-72_000])
    assert np.abs(bad).max() <= 0.5
    assert (np.abs(bad) > 0.499).mean() > 0.05  # cut off
    assert bad[100_000:].std() > 0.01  # noise where there was silence
    np.testing.assert_array_equal(bad, sounds.Sound(tmp_path / "tone.wav", 4.0, "noisy").read())


def test_a_short_answer_is_filled_with_silence_and_a_long_one_cut(tmp_path):
    write_audio(tmp_path / "short.wav", np.full(8_000, 0.1, np.float32), 16_000)
    sound = sounds.Sound(tmp_path / "short.wav", 1.0).read()
    assert (sound.size, float(np.abs(sound[30_000:]).max())) == (sounds.RATE, 0.0)
    assert sounds.Sound(tmp_path / "short.wav", 0.25).read().size == sounds.RATE // 4


def test_the_headphone_check_has_tones_as_published():
    found = tones(2, 3)
    assert found.shape == (4 * RATE, 2)
    first, second, third = (found[round(start * RATE) : round((start + 1) * RATE)] for start in (0, 1.5, 3))
    level = [float(np.sqrt(np.mean(one[RATE // 4 : RATE // 2, 0] ** 2))) for one in (first, second, third)]
    assert 20 * np.log10(level[1] / level[0]) == pytest.approx(-SOFTER_DB)
    assert level[2] == pytest.approx(level[0])
    np.testing.assert_allclose(third.sum(axis=1), 0, atol=1e-12)  # in anti-phase
    np.testing.assert_array_equal(first[:, 0], first[:, 1])
    assert np.abs(np.fft.rfft(first[:, 0])).argmax() == 200
    assert Counter(kinds(3)) == {(s, t): 2 for s in (1, 2, 3) for t in (1, 2, 3) if s != t}
    assert kinds(3) != kinds(4)


def test_attention_items_and_examples_show_scenes_that_nobody_judges(create):
    created = create(samples=2, attention=2)
    judged = {item.sample_id for item in created.design.items}
    assert not judged & {item.sample_id for item in created.design.attention}
    assert all(item.expected.keys() == {"AQ", "TA", "VA"} for item in created.design.attention)


def test_a_study_whose_clip_has_gone_is_not_opened(create):
    folder = create().folder.path
    gone = media_of(folder)[0]
    gone.unlink()
    with pytest.raises(UnusableStudy, match=gone.name):
        Study.opened(folder)


@pytest.mark.parametrize("kind", ["media", "sounds"])
def test_a_study_whose_clip_or_sound_was_cut_is_not_opened(create, kind):
    folder = create(headphone_check="warn").folder.path
    path = sorted((folder / kind).iterdir())[0]
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(UnusableStudy, match=rf"{path.name}: has {size - 1:,} bytes, expected {size:,}; put it back"):
        Study.opened(folder)


def test_a_study_of_a_later_version_is_refused(create):
    place = create().folder
    content = json.loads(place.design.read_text())
    place.design.write_text(json.dumps(content | {"schema": 2}))
    with pytest.raises(UnusableStudy, match="not a study that this version reads"):
        Study.opened(place.path)


def test_the_time_that_a_study_takes_is_stated(create):
    design = create(attention=1, repeats=1).design
    assert design.each_seconds == SECONDS + 3 * 4 + 2
    assert design.seconds_per_rater == 60 + 8 * design.each_seconds
