"""What is wanted of a run's files: those features alone that evidence is, or is made of, and a metric takes."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from support.packs import kept_below

from benchmark import generate
from benchmark.features import Extractor, FeatureStore
from benchmark.profiles.direct import wanted_features
from benchmark.profiles.gathering import evidence_of
from foundation import media
from foundation.files import file_sha256
from metrics import registry
from metrics.registry import list_metrics

pytestmark = pytest.mark.usefixtures("models")

GIVEN: list[str] = []  # the extractor's name, once for each file that it was given


def counting(name, medium="audio", frames=None, **yields):
    def network(prepared):
        GIVEN.extend([name] * len(prepared))
        return list(prepared)

    return Extractor(name, "v1", medium, prepare, frames, network, batch_size=1, yields=yields)


def prepare(decoded, _seconds):
    samples = decoded.samples if isinstance(decoded, media.Audio) else decoded
    return {"x": np.array([samples.mean(), samples.std()], np.float32)}


class Counting:
    """A profile that has more features than it reads."""

    name = "signal"
    unverified_weights = extended = False
    audio = (
        counting("plain.audio", kad_embedding="x"),
        counting("classes.audio", logits="x"),
        counting("offset.audio"),
        counting("fitted.audio"),
        counting("idle.audio"),
        counting("rare.audio", passt="x"),
    )
    video = (
        counting("offset.video", "video", media.FrameRequest(5, (16, 16))),
        counting("idle.video", "video", media.FrameRequest(5, (16, 16))),
    )
    derives = MappingProxyType(
        {
            "pair.offset_logits": (("video", "offset.video"), ("generated", "offset.audio")),
            "prompt.clap": (("source", "fitted.audio"),),
            "target.onset_seconds": (("target", "idle.audio"),),  # of an extended metric
        }
    )

    @property
    def wanted(self):
        return list_metrics(extended=self.extended)

    def backbones(self):
        return {}

    def evidence(self, questions, sources, features):
        return {}


@pytest.fixture
def one(tiny, tmp_path):
    """A run and the one sample of it that is scored: target, paired clip and answer are three sounds."""
    sample = tiny.benchmark.samples("inter")[0]
    return generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs"), sample


def kept(cache: Path) -> dict[str, set[str]]:
    """Extractor to the hashes of the files whose features are there."""
    found: dict[str, set[str]] = {}
    for one in kept_below(cache):
        found.setdefault(one.extractor, set()).add(one.sha256)
    return found


def test_an_extractor_is_given_the_files_of_which_a_metric_takes_its_feature_and_no_other(one, tiny, tmp_path):
    run, sample = one
    GIVEN.clear()
    store = FeatureStore(tmp_path / "cache")
    evidence_of(run, tiny.benchmark, [sample], Counting(), store, reference_video="target", workers=0)
    target, paired, generated = map(
        file_sha256, (sample.target_audio, sample.paired_audio, run.audio(sample.sample_id))
    )
    assert kept(tmp_path / "cache") == {
        "plain.audio": {target, generated},  # no metric takes paired.kad_embedding
        "classes.audio": {target, paired, generated},
        "offset.audio": {generated},
        "fitted.audio": {file_sha256(source.audio) for source in tiny.benchmark.sources},
        "offset.video": {file_sha256(sample.target_video)},
    }
    assert {name: GIVEN.count(name) for name in GIVEN} == {
        "plain.audio": 2, "classes.audio": 3, "offset.audio": 1, "fitted.audio": 4, "offset.video": 1,
    }  # fmt: skip


def test_a_row_that_takes_more_makes_more_wanted(one, tiny, tmp_path, monkeypatch):
    run, sample = one
    kad = registry.get_metric("kad")
    row = replace(kad, name="paired_kad", takes=("paired.kad_embedding", "generated.kad_embedding"))
    monkeypatch.setattr(registry, "_ROWS", (*registry._ROWS, row))
    store = FeatureStore(tmp_path / "cache")
    evidence_of(run, tiny.benchmark, [sample], Counting(), store, reference_video="target", workers=0)
    assert file_sha256(sample.paired_audio) in kept(tmp_path / "cache")["plain.audio"]


def test_extended_metrics_make_their_features_wanted():
    class Extended(Counting):
        extended = True

    names = {who: {extractor.name for extractor in some} for who, some in wanted_features(Extended()).items()}
    assert names["target"] == {"plain.audio", "classes.audio", "rare.audio", "idle.audio"}
    assert names["generated"] == {"plain.audio", "classes.audio", "rare.audio", "offset.audio"}
    assert names["paired"] == {"classes.audio"}


def test_evidence_from_an_extractor_that_the_profile_lacks_is_refused():
    class Misspelt(Counting):
        derives = MappingProxyType({"pair.offset_logits": (("generated", "ofset.audio"),)})

    with pytest.raises(ValueError, match=r"the profile derives evidence from ofset\.audio, which is none of its"):
        wanted_features(Misspelt())
