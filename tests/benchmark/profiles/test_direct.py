"""Evidence that an extractor names: whose it is, what of it is read, and what a new kind of evidence takes."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from support.toy_metric import LOUDNESS, LOUDNESS_EXTRACTOR, prepare_loudness

from benchmark import Choices, evaluate, generate
from benchmark.features import Extractor
from benchmark.profiles import Features, Question
from benchmark.profiles.direct import backbone_keys, direct_evidence
from benchmark.profiles.signal import SignalProfile
from foundation import media
from metrics import registry
from metrics.registry import list_metrics


@dataclass
class Store:
    """Features by hash, which is the file's name here, and what was read."""

    read_files: list[str]

    def read(self, extractor, sha256):
        self.read_files.append(f"{extractor.name} {sha256}")
        seed = sum(map(ord, extractor.name + sha256))
        random = np.random.default_rng(seed)
        return {"x": random.normal(size=3), "y": random.normal(size=(seed % 3, 3))}


def question(name, *, paired=True):
    sample = SimpleNamespace(
        target_audio=Path("target"), paired_audio=Path(f"paired {name}") if paired else None, sample_id=name
    )
    return Question(sample, Path(f"generated {name}"), Path(f"video {name}"))


def evidence(extractors, questions, *, extended=False):
    store = Store([])
    files = [
        p for q in questions for p in (q.sample.target_audio, q.sample.paired_audio, q.generated, q.reference_video)
    ]
    features = Features(store, {path: path.name for path in files if path})
    return direct_evidence(extractors, questions, features, list_metrics(extended=extended)), store.read_files


def audio(name, **yields):
    return Extractor(name, "v1", "audio", prepare_loudness, yields=yields)


THREE = [question(name) for name in "abc"]


def test_a_feature_is_evidence_of_each_sound_that_a_metric_takes_it_of():
    found, read = evidence([audio("panns.audio", logits="x"), audio("clap.audio", clap="x")], THREE)
    assert set(found) == {f"{who}.{kind}" for who in ("generated", "paired", "target") for kind in ("clap", "logits")}
    assert {rows.shape for rows in found.values()} == {(3, 3)}
    assert read.count("panns.audio target") == 1  # the target of all three


def test_rows_stand_in_the_order_of_the_samples():
    found, _ = evidence([audio("panns.audio", logits="x")], THREE)
    backwards, _ = evidence([audio("panns.audio", logits="x")], THREE[::-1])
    np.testing.assert_array_equal(found["generated.logits"], backwards["generated.logits"][::-1])
    assert not np.array_equal(found["generated.logits"], backwards["generated.logits"])


def test_what_no_metric_takes_is_not_read():
    found, read = evidence([audio("panns.kadtk", kad_embedding="x"), audio("bare.audio")], THREE)
    assert set(found) == {"target.kad_embedding", "generated.kad_embedding"}
    assert not any("paired" in name or "bare" in name for name in read)


def test_extended_evidence_is_read_on_request():
    rows = [audio("passt.audio", passt="x", passt_logits="x")]
    assert evidence(rows, THREE) == ({}, [])
    found, _ = evidence(rows, THREE, extended=True)
    assert set(found) == {"target.passt", "generated.passt", "generated.passt_logits", "target.passt_logits"}


def test_rows_that_differ_in_shape_stay_a_list():
    found, _ = evidence([audio("onset.audio", onsets="y")], THREE, extended=True)
    assert [rows.shape[1] for rows in found["generated.onsets"]] == [3, 3, 3]
    assert isinstance(found["generated.onsets"], list)


def test_pictures_are_those_of_the_reference_video():
    frames = media.FrameRequest(1.0)
    found, read = evidence(
        [Extractor("imagebind.video", "v1", "video", prepare_loudness, frames, yields={"imagebind": "x"})], THREE
    )
    assert set(found) == {"video.imagebind"}
    assert read == [f"imagebind.video video {name}" for name in "abc"]


def test_samples_of_which_one_has_no_paired_clip_have_no_evidence_of_it():
    found, _ = evidence([audio("panns.audio", logits="x")], [*THREE, question("d", paired=False)])
    assert set(found) == {"target.logits", "generated.logits"}


def test_a_feature_that_no_metric_takes_is_refused():
    with pytest.raises(ValueError, match=r'panns\.audio yields "logit", which no metric takes; did you mean logits'):
        evidence([audio("panns.audio", logit="x")], THREE)


def test_a_backbone_is_recorded_once_under_its_name():
    rows = (audio("panns.audio"), audio("panns.kadtk"), audio("clap.audio"))
    assert backbone_keys(rows) == {"panns": "v1", "clap": "v1"}


def test_a_metric_with_evidence_of_its_own_needs_its_row_and_an_extractor(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_ROWS", (*registry._ROWS, LOUDNESS))
    monkeypatch.setattr(SignalProfile, "audio", (*SignalProfile.audio, LOUDNESS_EXTRACTOR))
    run = generate(tiny.path, "mixture", subset="inter", runs=tmp_path)
    record = evaluate(run, tiny.path, Choices(profile="signal", resamples=40), cache=tmp_path / "cache", workers=0)
    assert record.scoring.backbones["toy"] == "v1"
    heard = [
        [
            prepare_loudness(media.read_audio_native(path), tiny.benchmark.duration_seconds)["decibels"][0]
            for path in (sample.target_audio, run.audio(sample.sample_id))
        ]
        for sample in tiny.benchmark.samples("inter")
    ]
    expected = [abs(target - generated) for target, generated in heard]
    assert max(expected) > 0.1
    np.testing.assert_allclose(pd.read_parquet(run.samples_parquet)["toy_loudness"], expected)
    assert record.metrics["toy_loudness"].value == pytest.approx(np.mean(expected))
