"""Profile `signal`: its classifier is fitted once for each set of sources, and kept with their features."""

import errno
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.packs import kept_below, spoil

from benchmark import Choices, evaluate, generate
from benchmark.features import Extractor, FeatureStore, Wanted, extract
from benchmark.profiles import Features, Question
from benchmark.profiles.signal import SignalProfile
from foundation.files import WriteFailed
from metrics.backbones.signal_classifier import LabelModel

pytestmark = pytest.mark.usefixtures("models")

SIGNAL = Choices(profile="signal", resamples=40)


@pytest.fixture
def fitted(monkeypatch):
    """The labels of every fit."""
    seen, original = [], LabelModel.fit.__func__

    def counted(cls, embeddings, labels):
        seen.append(list(labels))
        return original(cls, embeddings, labels)

    monkeypatch.setattr(LabelModel, "fit", classmethod(counted))
    return seen


@pytest.fixture
def score(tiny, tmp_path):
    """Score a run of a model; its cache is one for all."""

    def scored(model, **options):
        run = generate(tiny.path, model, subset="inter", runs=tmp_path / "runs", **options)
        for path in (run.metrics_json, run.samples_parquet):
            path.unlink(missing_ok=True)
        evaluate(run, tiny.path, SIGNAL, cache=tmp_path / "cache", workers=0)
        return pd.read_parquet(run.samples_parquet)

    return scored


def entries(tmp_path):
    return kept_below(tmp_path / "cache" / "signal.classifier")


def test_runs_on_the_same_sources_share_one_classifier_and_its_values_to_the_bit(score, fitted, tmp_path):
    first = score("humming")
    score("mixture")
    assert len(fitted) == len(entries(tmp_path)) == 1
    pd.testing.assert_frame_equal(score("humming"), first, check_exact=True)
    assert len(fitted) == 1


def test_a_classifier_that_was_damaged_is_fitted_again_and_the_numbers_stay(score, fitted, tmp_path, caplog):
    first = score("humming")
    (entry,) = entries(tmp_path)
    whole = entry.pack.read_bytes()
    spoil(entry)
    pd.testing.assert_frame_equal(score("humming"), first, check_exact=True)
    assert (len(fitted), entry.pack.read_bytes()) == (2, whole)
    assert f"{entry.pack} ({entry.sha256[:12]}): damaged" in caplog.text


@pytest.fixture
def evidence(tiny, tmp_path):
    """Ask the profile what it says of one sample whose answer is its target, given sources of any labels."""
    profile, store, sources = SignalProfile(), FeatureStore(tmp_path / "cache"), tiny.benchmark.sources
    sample = tiny.benchmark.samples("inter")[0]
    files = [Wanted(source.audio, "audio", profile.audio) for source in sources]
    files.append(Wanted(sample.target_video, "video", profile.video, from_zero=True))
    done = extract(files, store, seconds=tiny.benchmark.duration_seconds, workers=0)
    questions = [Question(sample, sample.target_audio, sample.target_video)]
    return lambda some=sources: profile.evidence(questions, some, Features(store, done.sha256)), sources


def test_sources_of_other_labels_or_sounds_have_a_classifier_of_their_own(evidence, fitted, tmp_path):
    ask, sources = evidence
    before = ask()["target.logits"]
    ask([replace(source, category="another") for source in sources])
    assert len(fitted) == 1  # what the classifier does not see is no part of its key
    other = [replace(source, audio=sources[0].audio) if source is sources[-1] else source for source in sources]
    assert not np.array_equal(ask(other)["target.logits"], before)
    assert len(fitted) == len(entries(tmp_path)) == 2
    labels = dict(zip([s.label for s in sources], [s.label for s in [*sources[1:], sources[0]]], strict=True))
    ask([replace(source, label=labels[source.label]) for source in sources])
    assert len(fitted) == len(entries(tmp_path)) == 3


def test_another_version_of_the_classifier_or_of_the_fitting_library_fits_anew(evidence, fitted, monkeypatch):
    ask, _ = evidence
    ask()
    monkeypatch.setattr("benchmark.profiles.signal.version", lambda name: "0.0")
    ask()
    assert len(fitted) == 2
    monkeypatch.setattr(LabelModel, "version", LabelModel.version + 1)
    ask()
    assert len(fitted) == 3


def test_a_classifier_that_cannot_be_kept_serves_and_that_is_said(evidence, fitted, tmp_path, monkeypatch, caplog):
    ask, _ = evidence
    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, "write", refuse)
        first = ask()
    assert "x.safetensors: cannot be written: Read-only file system" in caplog.text
    assert entries(tmp_path) == []
    np.testing.assert_array_equal(ask()["generated.logits"], first["generated.logits"])
    np.testing.assert_array_equal(ask()["generated.logits"], first["generated.logits"])
    assert len(fitted) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_ends_the_evaluation_where_the_classifier_finds_no_room(evidence, monkeypatch, number):
    ask, _ = evidence
    monkeypatch.setattr(FeatureStore, "write", lambda *given: refuse(*given, number=number))
    with pytest.raises(WriteFailed, match=r"x\.safetensors: cannot be written"):
        ask()


def refuse(*_given, number=errno.EROFS):
    raise WriteFailed(number, os.strerror(number), "x.safetensors")


def test_what_is_kept_says_what_it_is(evidence, tmp_path):
    ask, _ = evidence
    ask()
    (entry,) = entries(tmp_path)
    place = Extractor("signal.classifier", entry.key, "audio", len)
    kept = FeatureStore(tmp_path / "cache").read(place, entry.sha256)
    assert kept.keys() == {"mean", "spread", "bias", "prototypes", "weights_by_dimension"}
