"""Validation of a training run by the suite: scores of a candidate, resumed, and never the end of the training."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, Request, Waveform, register_model, registry
from benchmark import training
from benchmark.choices import Choices
from benchmark.runs import RunDirectory
from benchmark.training import suite_validation
from foundation.checkpoints import MissingCheckpoint
from foundation.files import file_sha256

CHOICES = Choices(profile="signal", resamples=40)
ASKED: list[str] = []  # what the model was asked for
REFUSED: set[str] = set()  # what it has no answer to


@dataclass(frozen=True)
class Candidate:
    """What a training run hands over."""

    stage: str
    step: int
    video_encoder: Path
    generator: Path
    variant: str = "small_16k"
    sup_tokens: int = 5


class Pretender:
    """In SELVA's place: a tone as high as the file of its generator says."""

    sample_rate = 16_000

    def __init__(self, *, variant: str, num_sup_tokens: int, checkpoint: dict[str, str], steps: int = 25) -> None:
        assert Path(checkpoint["video_encoder"]).is_file()
        assert (variant, num_sup_tokens) == ("small_16k", 5)
        self._pitch = float(Path(checkpoint["generator"]).read_text())

    def generate(self, request: Request) -> Waveform:
        ASKED.append(request.sample_id)
        if request.sample_id in REFUSED:
            raise GenerationError("no mood for this one")
        moments = np.arange(round(request.duration * 16_000)) / 16_000
        noise = np.random.default_rng(request.seed).standard_normal(moments.size)
        return (0.2 * np.sin(2 * np.pi * self._pitch * moments) + 0.02 * noise).astype(np.float32)


def raising(error):
    def raises(*_, **__):
        raise error

    return raises


@pytest.fixture(autouse=True)
def _pretending(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    register_model("pretender")(Pretender)
    monkeypatch.setattr(training, "MODEL", "pretender")
    monkeypatch.setattr(training, "_check_weights", lambda *_: None)
    ASKED.clear()
    REFUSED.clear()


@pytest.fixture
def candidate(tmp_path):
    """A writer of candidates whose generator plays a pitch."""

    def write(pitch: float = 400.0, *, stage: str = "generator", step: int = 20) -> Candidate:
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / "encoder.pth").write_text("encoder")
        (tmp_path / "files" / "generator.pth").write_text(str(pitch))
        return Candidate(stage, step, tmp_path / "files" / "encoder.pth", tmp_path / "files" / "generator.pth")

    return write


@pytest.fixture
def validate(tiny, tmp_path):
    """A maker of validations that keep their runs in `validation`."""

    def make(**options):
        given = {"choices": CHOICES, "cache": tmp_path / "cache", "workers": 0, "limit": 2, **options}
        return suite_validation(tiny.path, tmp_path / "validation", **given)

    return make


def test_scores_have_the_names_of_their_metrics_and_say_of_how_many_samples(validate, candidate, tmp_path):
    values = validate()(20, candidate())
    assert {"kl", "clap", "desync", "audio_win_rate", "text_margin"} <= values.keys()
    assert (values["samples_scored"], values["samples_asked"]) == (2.0, 2.0)
    assert all(np.isfinite(value) for value in values.values())
    place = tmp_path / "validation" / "generator" / "step-20"
    assert json.loads((place / "validation.json").read_text())["values"] == values
    run = RunDirectory.locate(place / "runs", "tiny", "inter", "pretender")
    assert run.read_metrics().metrics["kl"].value == values["kl"]
    assert run.read_metrics().scoring.resamples == 40
    assert not run.audio_folder.exists()


def test_another_candidate_has_other_scores_and_the_same_one_the_same(validate, candidate, tmp_path):
    low, again = validate()(20, candidate(200)), validate()(40, candidate(200))
    assert low == again
    assert validate()(60, candidate(3000))["kl"] != low["kl"]


def test_the_stages_do_not_share_a_folder_though_they_share_steps(validate, candidate, tmp_path):
    first = validate()(20, candidate(200, stage="encoder"))
    second = validate()(20, candidate(3000))
    assert first["kl"] != second["kl"]
    assert {path.parts[-3] for path in (tmp_path / "validation").glob("*/step-20/validation.json")} == {
        "encoder",
        "generator",
    }


def test_what_was_scored_is_not_asked_again_and_other_weights_are(validate, candidate):
    first = validate()(20, candidate(200))
    ASKED.clear()
    assert validate()(20, candidate(200)) == first
    assert ASKED == []
    assert validate()(20, candidate(3000)) != first
    assert len(ASKED) == 2


def test_a_validation_that_was_interrupted_goes_on_where_it_stopped(validate, candidate, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.evaluation.evaluate", raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            validate()(20, candidate())
    assert len(ASKED) == 2
    assert validate()(20, candidate())["samples_scored"] == 2
    assert len(ASKED) == 2  # both answers were there


def test_a_sample_without_an_answer_is_counted_and_the_others_are_scored(validate, candidate, tiny):
    REFUSED.add(tiny.benchmark.samples("inter")[0].sample_id)
    values = validate(limit=3)(20, candidate())
    assert (values["samples_scored"], values["samples_asked"]) == (2.0, 3.0)
    assert "kl" in values


def test_a_validation_that_fails_is_told_and_recorded_and_the_training_goes_on(
    validate, candidate, tiny, tmp_path, caplog
):
    REFUSED.update(sample.sample_id for sample in tiny.benchmark.samples("inter"))
    with caplog.at_level(logging.WARNING):
        assert validate()(20, candidate()) == {"validation_failed": 1.0}
    assert "validation at step 20 of the generator failed" in caplog.text
    assert "no mood for this one" in caplog.text
    record = json.loads((tmp_path / "validation" / "generator" / "step-20" / "validation.json").read_text())
    assert (record["status"], "no mood for this one" in record["reason"]) == ("failed", True)
    assert not (tmp_path / "validation" / "generator" / "step-20" / "candidate").exists()  # over a gigabyte
    REFUSED.clear()
    assert validate()(20, candidate())["samples_scored"] == 2  # asked again, it succeeds


def test_answers_are_kept_where_that_is_asked_for(validate, candidate, tmp_path):
    validate(keep_audio=True)(20, candidate())
    assert len(list((tmp_path / "validation").rglob("*.wav"))) == 2


def test_files_that_are_gone_afterwards_are_held_while_they_are_scored_and_not_longer(validate, candidate, tmp_path):
    validate()(20, candidate())
    assert list((tmp_path / "validation").rglob("*.pth")) == []
    assert len(list((tmp_path / "files").iterdir())) == 2


def test_answers_are_gone_on_with_though_the_files_lie_elsewhere_the_next_time(
    validate, candidate, monkeypatch, tmp_path
):
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.evaluation.evaluate", raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            validate()(20, candidate())
    first = candidate()
    (tmp_path / "files").rename(tmp_path / "elsewhere")
    there = {part: tmp_path / "elsewhere" / getattr(first, part).name for part in ("video_encoder", "generator")}
    ASKED.clear()
    assert validate()(20, replace(first, **there))["samples_scored"] == 2
    assert ASKED == []


def test_a_subset_can_be_named_and_one_that_is_not_there_is_refused(validate, candidate, tmp_path):
    validate(subset="intra")(20, candidate())
    assert (tmp_path / "validation" / "generator" / "step-20" / "runs" / "tiny" / "intra").is_dir()
    with pytest.raises(ValueError, match="has inter and intra, not 'single'"):
        validate(subset="single")


def test_a_limit_of_nothing_is_refused(validate):
    with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
        validate(limit=0)


def test_weights_that_a_validation_will_need_are_missed_before_the_training(tiny, tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(MissingCheckpoint) as missing:
        suite_validation(tiny.path, tmp_path, choices=CHOICES, options={"weights_dir": tmp_path})
    absent = [name for name in ("vae-16k", "bigvgan-16k", "dfn5b-clip", "flan-t5") if name in str(missing.value)]
    assert absent == ["vae-16k", "bigvgan-16k", "dfn5b-clip", "flan-t5"]


def test_a_validation_says_how_it_scores_and_its_record_repeats_it(validate, candidate, tiny, tmp_path):
    validation = validate(seed=3)
    validation(20, candidate())
    record = json.loads((tmp_path / "validation" / "generator" / "step-20" / "validation.json").read_text())
    assert record["scoring"] == validation.scoring.model_dump()
    assert record["scoring"] == {
        "benchmark": "tiny",
        "version": tiny.benchmark.version,
        "fingerprint": tiny.benchmark.fingerprint("inter"),
        "subset": "inter",
        "samples": 2,
        "of": len(tiny.benchmark.samples("inter")),
        "profile": "signal",
        "extended": False,
        "seed": 3,
        "others": {},
    }


def test_what_moves_a_score_is_told_and_what_moves_none_is_not(validate, tiny, tmp_path):
    (tmp_path / "vae.pth").write_text("weights")
    usual = validate().scoring
    same = {"device": "cpu", "weights_dir": tmp_path, "precision": None, "allow_unverified": False, "checkpoint": {}}
    assert validate(options=same, choices=replace(CHOICES, resamples=50)).scoring == usual
    assert validate(limit=None).scoring == validate(limit=10**6).scoring
    assert validate(limit=None).scoring.samples == len(tiny.benchmark.samples("inter"))
    other = validate(
        options={"guidance": 0.0, "checkpoint": {"vae": tmp_path / "vae.pth"}},
        choices=replace(CHOICES, reference_video="composed"),
    ).scoring
    sha256 = file_sha256(tmp_path / "vae.pth")
    assert other.others == {"reference_video": "composed", "guidance": "0.0", "vae": sha256[:12]}
    assert other.id != usual.id


def test_a_validation_that_an_early_version_recorded_is_not_scored_again(validate, candidate, tmp_path):
    first = validate()(20, candidate())
    path = tmp_path / "validation" / "generator" / "step-20" / "validation.json"
    record = json.loads(path.read_text())
    del record["scoring"]
    path.write_text(json.dumps(record))
    ASKED.clear()
    assert validate()(20, candidate()) == first
    assert ASKED == []
