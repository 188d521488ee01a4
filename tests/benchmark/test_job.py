"""What identifies a run: the fingerprint that its audio is reused under."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from baselines import get_model
from benchmark.job import Job
from benchmark.runs import ControlRecord, ModelRecord, TrainedModelRecord

BENCHMARK = SimpleNamespace(fingerprint=lambda subset: f"manifest of {subset}", duration_seconds=8.0)


def job(model: str, **options) -> Job:
    return Job(BENCHMARK, "inter", [], model, options, 3, None)


@pytest.mark.parametrize(
    ("model", "options", "known"),
    [
        ("noise", {}, "7d25ce0cd7bff3057f46071a95dd4a1e175a576faf9967b3eb26b0cf5efeef7b"),
        ("selva", {"steps": 5}, "a37900bdca7910fbc5d06295934cc0a21f0b5d387733e427ba09d8c2ed9e927b"),
        ("rewas", {"seed": 1, "device": "cuda"}, "41f704dbe398f97e1e29438d9ddea5b39a72b604aa8b46585101a5cd7e063f25"),
        ("external", {"command": "a"}, "639856ce5fb2b3729d7a714111a79173392dc89fd0ec84d6cab693bbbb4aed98"),
        ("vintage-readme", {}, "b2a9939006292a24bc4d97ae0624474ae2c9bb5a47b53b2e6c758f9de71d8aa1"),
    ],
)
def test_runs_made_by_version_0_1_go_on(model, options, known):
    assert job(model, **options).fingerprint == known


def test_how_a_program_is_run_is_no_part_of_the_fingerprint_but_for_others_it_may_be():
    assert job("rewas", log="x", work_dir="y", time_limit_seconds=3).fingerprint == job("rewas").fingerprint
    assert job("rewas", seed=1).fingerprint != job("rewas").fingerprint
    assert job("selva", device="cpu").fingerprint != job("selva").fingerprint


def test_a_truth_value_of_numpy_is_one():
    assert job("noise").model_record(SimpleNamespace(sample_rate=8_000, untrained=np.True_)).untrained is True


def test_how_weights_were_trained_is_part_of_the_record_and_of_no_other_one():
    said = {"recipe": {"name": "sup-5"}}
    plain = job("noise").model_record(SimpleNamespace(sample_rate=8_000))
    trained = job("noise").model_record(SimpleNamespace(sample_rate=8_000, training_record=said))
    assert type(plain) is ModelRecord
    assert isinstance(trained, TrainedModelRecord)
    assert trained.model_dump() == {**plain.model_dump(), "training": said}


def test_a_control_of_a_later_definition_has_it_on_record_and_in_its_fingerprint(monkeypatch):
    generator = SimpleNamespace(sample_rate=8_000)
    later = job("shuffled").model_record(generator)
    assert isinstance(later, ControlRecord)
    assert later.definition == get_model("shuffled").revision == "2"
    assert type(job("noise").model_record(generator)) is ModelRecord
    now = job("shuffled").fingerprint
    first = replace(get_model("shuffled"), revision="")
    monkeypatch.setattr("benchmark.job.get_model", lambda name: first)
    assert type(job("shuffled").model_record(generator)) is ModelRecord
    assert job("shuffled").fingerprint != now


def test_each_thing_that_answers_depend_on_makes_another_fingerprint(monkeypatch):
    before = job("selva", steps=5)
    own = before.fingerprint
    changed = {
        "benchmark": replace(before, benchmark=SimpleNamespace(fingerprint=lambda _: "other", duration_seconds=8.0)),
        "subset": replace(before, subset="intra"),
        "duration": replace(before, benchmark=SimpleNamespace(**{**vars(BENCHMARK), "duration_seconds": 5.0})),
        "model": replace(before, model="mmaudio-s-16k"),
        "option": replace(before, options={"steps": 6}),
        "seed": replace(before, seed=4),
    }
    marks = {name: one.fingerprint for name, one in changed.items()}
    entry = get_model("selva")
    monkeypatch.setattr("benchmark.job.get_model", lambda name: replace(entry, revision="a later one"))
    marks["revision"] = replace(before).fingerprint
    monkeypatch.setattr("benchmark.job.get_model", lambda name: replace(entry, options={"more": 1}))
    marks["options of the catalogue's row"] = replace(before).fingerprint
    assert len({own, *marks.values()}) == 1 + len(marks), marks


def test_how_a_native_model_computes_is_part_of_what_it_is_asked_whoever_chose_it(monkeypatch):
    def on(device, **options):
        return replace(job("selva", **options), device=device)

    plain = job("selva")
    assert plain.precision == "exact"
    assert job("selva", precision="exact").fingerprint == job("selva", dtype="fp32").fingerprint == plain.fingerprint
    assert job("selva", precision="fast").fingerprint == job("selva", dtype="bf16").fingerprint
    assert job("selva", dtype="bf16").fingerprint != plain.fingerprint
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert on("cuda").precision == on(None).precision == "fast"
    assert on("cuda").fingerprint == job("selva", precision="fast").fingerprint
    assert on("cpu").fingerprint == plain.fingerprint
    assert on("cuda", precision="exact").fingerprint != plain.fingerprint, "convolutions were in TF32 there before"
    assert on("cuda", precision="exact").fingerprint != on("cuda").fingerprint


def test_another_maker_s_gpu_is_as_exact_as_it_was(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert replace(job("selva"), device="mps").fingerprint == job("selva").fingerprint


def test_a_driven_model_computes_where_models_toml_says(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    settings = tmp_path / "models.toml"
    settings.touch()
    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(settings))
    assert job("vos-mmaudio").precision == "fast"
    settings.write_text('[vos-mmaudio]\ndevice = "cpu"\n')
    assert job("vos-mmaudio").precision == "exact"
    assert replace(job("vos-mmaudio"), device="cuda").precision == "fast"


def test_a_model_without_such_a_choice_has_no_precision():
    assert job("noise").precision is None
    assert job("rewas").precision is None
    assert job("external", command="a").precision is None


def test_two_words_that_contradict_each_other_are_refused_before_a_model_is_loaded():
    with pytest.raises(ValueError, match="precision exact and dtype bf16 contradict each other"):
        _ = job("selva", precision="exact", dtype="bf16").fingerprint
