"""The judge from end to end: a stand-in that compares with the target's sound, among the controls, and without it."""

import json
import logging
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from support.recipes import driven_checkout, models_toml

from benchmark import Choices, evaluate, generate
from benchmark.profiles import judged as judging
from benchmark.profiles import load_profile
from benchmark.profiles.gathering import _check_length
from benchmark.profiles.licences import licences_of
from benchmark.runs import RunDirectory
from foundation import media
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import BenchmarkError, load_benchmark

JUDGED = ("judge_recall", "judge_precision", "judge_faithfulness")
ALONE = Choices(profile="signal", resamples=40, metrics=JUDGED)
CONTROLS = ("oracle", "mixture", "distractor")


@pytest.fixture(scope="module")
def targets(tiny, tmp_path_factory):
    """The sound of each label: the four clips have four."""
    folder = tmp_path_factory.mktemp("targets")
    for sample in tiny.benchmark:
        sound = media.read_audio(sample.target_audio, sample_rate=48_000)
        media.write_audio(folder / f"{sample.label}.wav", sound, 48_000, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def generated(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    return {name: generate(tiny.path, name, subset="inter", runs=folder / "runs").path for name in CONTROLS}


class World:
    """A judge that is set up, runs of the controls, and a cache."""

    def __init__(self, folder, targets, generated, tiny, monkeypatch):
        self.place = driven_checkout("sam-audio-judge", folder)
        self._folder, self._targets, self._generated, self._patch = folder, targets, generated, monkeypatch
        self.built = tiny.benchmark
        self.tell()

    def tell(self, **env):
        """Write what the stand-in is told into models.toml."""
        path = models_toml(
            self._folder / "judge.toml", {"sam-audio-judge": self.place}, JUDGE_TARGETS=str(self._targets), **env
        )
        self._patch.setenv("VGG_MONOAUDIO_MODELS", str(path))

    def run(self, control):
        path = self._folder / "runs" / control
        if not path.exists():
            shutil.copytree(self._generated[control], path)
        return RunDirectory(path)

    def score(self, control="mixture", choices=ALONE, built=None):
        return evaluate(self.run(control), built or self.built, choices, cache=self._folder / "cache", workers=0)

    def asked(self):
        """Prompts that the judge was asked about, in order; how often it was loaded."""
        path = self.place.notes / "separated.jsonl"
        notes = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [note["judged"] for note in notes if "judged" in note], sum("loaded" in note for note in notes)


@pytest.fixture
def world(tiny, targets, generated, tmp_path, monkeypatch):
    return World(tmp_path, targets, generated, tiny, monkeypatch)


@pytest.fixture
def no_judge(monkeypatch, tmp_path):
    monkeypatch.delenv("VGG_MONOAUDIO_MODELS", raising=False)
    monkeypatch.chdir(tmp_path)


def column(run, name):
    return pd.read_parquet(run.samples_parquet)[name].to_numpy()


def test_a_judge_of_recall_puts_the_oracle_before_the_mixture_and_the_mixture_before_the_distractor(world):
    records = {control: world.score(control) for control in CONTROLS}
    oracle, mixture, distractor = (records[control].metrics["judge_recall"].value for control in CONTROLS)
    assert oracle > 0.99
    assert oracle > mixture + 0.1
    assert mixture > distractor + 0.1
    assert records["oracle"].metrics["judge_recall"].n == 4
    for control in CONTROLS:
        assert records[control].metrics["judge_faithfulness"].value == pytest.approx(5.0)  # seconds, by the stand-in


def test_the_scene_s_sound_is_the_mixture_and_the_prompts_are_the_labels(world):
    world.score("oracle")
    samples = world.built.samples("inter")
    assert world.asked() == ([sample.label for sample in samples], 1)
    loud = [np.abs(media.read_audio(sample.video, sample_rate=48_000, seconds=5.0)).mean() for sample in samples]
    np.testing.assert_allclose(column(world.run("oracle"), "judge_precision"), loud, rtol=1e-4)


def test_opinions_that_are_kept_are_not_asked_for_again(world):
    first = world.score("mixture")
    assert world.score("mixture") == first
    world.run("mixture").metrics_json.unlink()
    again = world.score("mixture")
    assert again.metrics == first.metrics
    more = world.score("mixture", Choices(profile="signal", resamples=40, metrics=("kl", "judge_recall")))
    assert more.metrics["judge_recall"] == first.metrics["judge_recall"]
    assert world.asked() == ([sample.label for sample in world.built.samples("inter")], 1)


def test_another_judge_is_asked_and_the_run_scored_again(world, monkeypatch):
    first = world.score("mixture")
    monkeypatch.setenv("VGG_MONOAUDIO_JUDGE", "facebook/another-judge")
    second = world.score("mixture")
    assert first.scoring.backbones["sam-audio-judge"] != second.scoring.backbones["sam-audio-judge"]
    assert first.fingerprint != second.fingerprint
    assert (len(world.asked()[0]), world.asked()[1]) == (8, 2)


def test_a_sample_that_the_judge_fails_on_has_no_opinion_and_is_named_and_asked_again_next_time(world, caplog):
    bad = world.built.samples("inter")[1]
    same = [sample.label == bad.label for sample in world.built.samples("inter")]
    world.tell(OFFICIAL_MOOD="refuse", OFFICIAL_AT=bad.label)
    with caplog.at_level(logging.WARNING):
        record = world.score("mixture")
    assert np.isnan(column(world.run("mixture"), "judge_recall")).tolist() == same
    assert record.metrics["judge_recall"].n == record.counts.scored - sum(same)
    assert record.counts.scored == 4
    assert f"{bad.sample_id}: no opinion of the judge, so no score by it: the program says: RuntimeError" in caplog.text
    world.tell()
    assert world.score("mixture").metrics["judge_recall"].n == 4
    assert len(world.asked()[0]) == 4 + sum(same)


def test_a_judge_that_fails_on_all_leaves_a_dash_with_the_reason_and_the_others_scored(world):
    world.tell(OFFICIAL_MOOD="gated")
    choices = Choices(profile="signal", resamples=40, metrics=("kl", *JUDGED))
    record = world.score("mixture", choices)
    value = record.metrics["judge_precision"]
    assert value.value is None
    assert value.reason.startswith("the judge failed on every sample; on the first: ")
    assert "access to the weights is restricted" in value.reason
    assert "\n" not in value.reason
    assert record.metrics["kl"].value is not None
    world.tell()  # access is granted: nothing else changed, and nobody has to say so
    assert world.score("mixture", choices).metrics["judge_precision"].value is not None


def test_a_judge_that_failed_on_a_whole_batch_is_not_asked_on(world, monkeypatch, caplog):
    monkeypatch.setattr(judging, "BATCH_SIZE", 1)
    world.tell(OFFICIAL_MOOD="gated")
    assert world.score("mixture").metrics["judge_recall"].value is None
    assert world.asked()[1] == 2  # a program that dies is tried twice
    assert caplog.text.count("it failed on a whole batch before, so it was not asked") == 3


def test_without_the_judge_all_else_is_scored_and_nothing_is_started(world, no_judge, monkeypatch):
    monkeypatch.setattr("baselines.programs.conversation.Conversation.__init__", lambda *_: pytest.fail("started"))
    record = world.score("mixture", Choices(profile="signal", resamples=40, metrics=("kl", *JUDGED)))
    reason = record.metrics["judge_recall"].reason
    assert reason.startswith("SAM-Audio Judge is not set up: nothing says where its checkout is")
    assert "python -m benchmark doctor --model sam-audio-judge" in reason
    assert "\n" not in reason
    assert record.metrics["kl"].value is not None
    assert "sam-audio-judge" not in record.scoring.backbones
    alone = world.score("mixture")
    assert [alone.metrics[name].reason for name in JUDGED] == [reason] * 3
    assert alone.counts.scored == 4


def test_a_run_is_scored_again_when_the_judge_appears(world, no_judge):
    assert world.score("mixture").metrics["judge_recall"].value is None
    world.tell()
    assert world.score("mixture").metrics["judge_recall"].value is not None


def test_settings_that_cannot_be_read_are_a_dash_too(world, tmp_path):
    (tmp_path / "judge.toml").write_text("[sam-audio-judge]\ncolour = 3\n")
    assert "no setting 'colour'" in world.score("mixture").metrics["judge_recall"].reason


def test_where_no_opinion_is_wanted_the_judge_moves_no_fingerprint(world, monkeypatch):
    usual = Choices(profile="signal", resamples=40)
    before = world.score("mixture", usual)
    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(world.place.folder / "absent.toml"))
    assert world.score("mixture", usual).fingerprint == before.fingerprint
    assert "sam-audio-judge" not in before.scoring.backbones
    assert world.asked() == ([], 0)


@pytest.mark.parametrize(
    ("soundtrack", "reason"),
    [("target", "the soundtrack of these scenes is the target alone"), ("none", "these scenes are silent")],
)
def test_scenes_without_a_mixture_are_not_judged(world, tmp_path, soundtrack, reason):
    folder = tmp_path / "other"
    shutil.copytree(world.built.path, folder)
    record = json.loads((folder / "benchmark.json").read_text())
    record["settings"]["soundtrack"] = soundtrack
    (folder / "benchmark.json").write_text(json.dumps(record))
    scored = world.score("mixture", built=load_benchmark(folder))
    assert reason in scored.metrics["judge_recall"].reason
    assert world.score("mixture", built=load_benchmark(folder)) == scored  # nothing was left to ask
    assert world.asked() == ([], 0)


def test_a_scene_that_is_not_the_one_that_was_built_is_not_judged(world, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(world.built.path, folder)
    scene = load_benchmark(folder).samples("inter")[0].video
    scene.write_bytes(scene.read_bytes() + b"more")
    with pytest.raises(BenchmarkError):
        world.score("mixture", built=load_benchmark(folder))
    assert world.asked() == ([], 0)


def test_every_profile_is_loaded_for_the_judge_alone_and_needs_no_weights(no_judge, tmp_path):
    for name in ("paper", "open", "signal"):
        profile = (
            load_profile(name, metrics=JUDGED) if name == "signal" else load_profile(name, metrics=JUDGED, device="cpu")
        )
        assert (profile.audio, profile.video, profile.backbones()) == ((), (), {})


def test_single_clips_are_not_judged(world):
    single = SimpleNamespace(subsets=["single"], record=SimpleNamespace(settings=SimpleNamespace(soundtrack="target")))
    said = judging.opinions([object()], single, None, list_metrics("Selectivity", extended=True))
    why = "single clips have no mixture, which the judge compares an answer with"
    assert said == judging.Opinions(absent={f"pair.{name}": why for name in JUDGED})


def test_short_scenes_are_judged_though_their_synchrony_is_not(tiny):
    profile = load_profile("signal", metrics=[*JUDGED, "desync"])
    short = SimpleNamespace(path=tiny.path, duration_seconds=2.0)
    with pytest.raises(ValueError, match=r"DeSync is judged on 4\.8 s"):
        _check_length(short, profile)
    _check_length(short, load_profile("signal", metrics=JUDGED))


def test_the_licence_of_the_judge_s_weights_is_named_beside_the_others():
    assert licences_of(["panns", judging.BACKBONE])["sam-audio-judge"] == "SAM License, gated"
    assert "sam-audio-judge" not in licences_of(["panns"])
