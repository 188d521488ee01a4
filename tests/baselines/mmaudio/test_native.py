"""The options that every native model takes: known by name, refused when misspelt."""

import pytest

from baselines import get_model, list_models, option_names
from baselines.mmaudio.feature_store import FeatureStore
from baselines.mmaudio.model import MMAudio
from baselines.mmaudio.native import NativeOptions, store_of
from baselines.mmaudio.synthesis import Settings
from baselines.selva.model import SELVA

NATIVE = [entry.name for entry in list_models() if entry.kind == "model" and not entry.program]


@pytest.mark.parametrize("name", NATIVE)
def test_every_native_model_has_them(name):
    assert set(NativeOptions.__annotations__) < set(option_names(get_model(name)))


@pytest.mark.parametrize("model", [MMAudio, SELVA])
def test_a_misspelt_option_is_refused_before_anything_is_loaded(model):
    with pytest.raises(TypeError, match=r"there is no option 'step'; did you mean steps"):
        model(step=3)


def test_absent_options_have_their_defaults():
    settings = Settings.checked({"device": "cpu"})
    assert (settings.steps, settings.guidance, settings.compile, str(settings.dtype)) == (
        25,
        4.5,
        False,
        "torch.float32",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"dtype": "fp16"}, "dtype: expected one of fp32, bf16, got 'fp16'"),
        ({"precision": "exactly"}, "precision: expected one of exact, fast, got 'exactly'"),
        ({"precision": "exact", "dtype": "bf16"}, "precision exact and dtype bf16 contradict each other"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Settings.checked({"device": "cpu", **options})


def test_a_store_that_is_given_is_shared_and_else_made(tmp_path):
    shared = FeatureStore(None)
    assert store_of({"store": shared, "features_dir": tmp_path}) is shared
    assert store_of({}) is not store_of({})


@pytest.mark.parametrize(
    ("options", "precision", "dtype"),
    [
        ({}, "exact", "torch.float32"),
        ({"precision": None, "dtype": None}, "exact", "torch.float32"),
        ({"precision": "fast"}, "fast", "torch.bfloat16"),
        ({"dtype": "bf16"}, "fast", "torch.bfloat16"),
        ({"dtype": "fp32", "precision": "exact"}, "exact", "torch.float32"),
    ],
)
def test_precision_has_two_spellings_and_is_exact_on_a_cpu(options, precision, dtype):
    settings = Settings.checked({"device": "cpu", **options})
    assert (settings.precision, str(settings.dtype)) == (precision, dtype)
    assert bool(settings.notes) == (precision == "fast")


def test_a_gpu_computes_fast_unless_told_otherwise(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert Settings.checked({}).precision == "fast"
    assert Settings.checked({"dtype": "fp32"}).precision == "exact"
    assert Settings.checked({"device": "cpu"}).precision == "exact"
