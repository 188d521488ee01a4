"""Leaked speech from end to end: silero-vad's real weights on scenes of real clips, among the controls."""

from importlib.util import find_spec

import pandas as pd
import pytest
from support.small_scenes import small_scenes

from benchmark import Choices, evaluate, generate

if find_spec("silero_vad") is None:
    pytest.skip("the extra `extended` is not installed", allow_module_level=True)

CLIPS = (
    ("3qesirWAGt4_000020", "dog barking", "Animal", 0.0),
    ("F8Zt3mYlOqU_000094", "whale calling", "Animal", 1.0),
    ("0B4dYTMsgHA_000130", "child speech, kid speaking", "Human", 0.0),
)
SPEAKS = "child speech, kid speaking"


@pytest.fixture(scope="module")
def scenes(real_media, tmp_path_factory):
    """Four inter-class scenes of a dog, a whale and a child who talks."""
    from vgg_monoaudio.building.scenes import Settings, build_benchmark

    sources = pd.DataFrame(CLIPS, columns=["clip_id", "label", "category", "start_seconds"])
    files = {clip: real_media / f"{clip}.mp4" for clip in sources["clip_id"]}
    with small_scenes():
        return build_benchmark(
            sources, files, tmp_path_factory.mktemp("real") / "real", Settings(name="real")
        ).benchmark


@pytest.fixture(scope="module")
def leaked(scenes, tmp_path_factory):
    """From a control to its record and the scores of its samples, one by one."""
    folder = tmp_path_factory.mktemp("leaked")

    def scored(control):
        run = generate(scenes, control, subset="inter", runs=folder / "runs")
        choices = Choices(profile="signal", resamples=40, metrics=("leakage_speech", "leakage_music"))
        record = evaluate(run, scenes, choices, cache=folder / "cache", workers=0)
        return record, pd.read_parquet(run.samples_parquet).set_index(["label", "paired_label"])["leakage_speech"]

    return scored


def test_the_distractor_leaks_most_where_the_paired_clip_speaks_and_the_oracle_nothing(leaked):
    shares = {control: leaked(control)[1] for control in ("oracle", "mixture", "distractor")}
    for label in ("dog barking", "whale calling"):
        oracle, mixture, distractor = (shares[control][label, SPEAKS] for control in shares)
        assert oracle == 0.0
        assert 0.3 < mixture < distractor < 0.6


def test_a_prompt_that_asks_for_speech_is_not_counted(leaked):
    record, shares = leaked("distractor")
    assert shares.isna().to_dict() == {pair: pair[0] == SPEAKS for pair in shares.index}
    assert record.metrics["leakage_speech"].n == 2
    assert record.metrics["leakage_speech"].value == pytest.approx(shares.mean())


def test_leaked_music_has_no_counterpart_where_no_tagger_listens(leaked):
    value = leaked("oracle")[0].metrics["leakage_music"]
    assert (value.value, value.reason) == (None, "profile signal has no counterpart")


def test_without_the_package_the_metric_is_refused_before_work_begins(monkeypatch):
    from benchmark.profiles import load_profile
    from foundation.extras import MissingPackage
    from metrics.backbones import silero

    monkeypatch.setattr(silero, "find_spec", lambda _name: None)
    with pytest.raises(MissingPackage, match="the share of speech needs the package silero_vad"):
        load_profile("signal", metrics=["leakage_speech"])
