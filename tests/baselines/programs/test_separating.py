"""Generate, then separate: whatever the model, SAM-Audio is given its sound and the prompt, and both are on record."""

import json

import numpy as np
import pytest
from support.recipes import driven_checkout, models_toml, official_checkout
from typer.testing import CliRunner

from baselines import GenerationError, Request, UnknownModel, get_model, load_model, option_names, registry
from baselines.programs import built_in as classes
from baselines.registry import OwnModel, class_of


class Steady:
    """A model of one loudness, with everything that a harness may ask of a model."""

    sample_rate = 16_000
    longest_seconds = 9.0

    def __init__(self, *, level: float = 0.5, device: str | None = None, samples: int = 0) -> None:
        self._level, self.device, self._samples = level, device, samples
        self.notes, self.weights, self.untrained = "one note", {}, True
        self.on_progress = lambda _count: None
        self.closed = False

    def generate(self, request: Request) -> np.ndarray:
        if request.prompt == "refused":
            raise GenerationError("I do not know it")
        return np.full(self._samples or round(request.duration * 16_000) + 100, self._level, np.float32)

    def generate_batch(self, requests):
        self.on_progress(len(requests))
        return [self.generate(request) for request in requests]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    registry.register_model(
        "steady", target=Steady, licence="MIT", revision="1", trained_on=("VGGSound",), source="https://example.org",
        summary="one loudness", options={"level": 0.25},
    )  # fmt: skip


@pytest.fixture
def sam(tmp_path):
    return driven_checkout("sam-audio", tmp_path)


@pytest.fixture
def settings(tmp_path, sam):
    return models_toml(tmp_path / "models.toml", {"sam-audio": sam})


def separated(sam):
    return [json.loads(line) for line in (sam.notes / "separated.jsonl").read_text().splitlines()]


def test_the_row_names_both_parts():
    entry = get_model("separate:steady")
    assert entry == get_model("separate:steady")
    assert (entry.name, entry.kind, entry.options["level"]) == ("separate-steady", "model", 0.25)
    assert entry.licence == "MIT; SAM-Audio: SAM License, gated"
    assert entry.revision == "1; SAM-Audio: 68b48d4"
    assert entry.summary == "steady, then SAM-Audio takes out of it what the prompt names"
    assert class_of(entry).longest_seconds == 9.0
    assert set(option_names(entry)) >= {"level", "device", "separator", "predict_spans", "reranking_candidates"}


def test_its_sound_and_the_prompt_are_separated_and_notes_and_options_pass_through(ask, sam, settings):
    model = load_model("separate:steady", models_toml=settings, level=0.5, reranking_candidates=8, predict_spans=True)
    seen = []
    model.on_progress = seen.append
    answers = model.generate_batch([ask("a", "Ringing Bell", duration=0.5), ask("b", "gong", duration=0.5)])
    model.close()
    for sound, rate in answers:
        assert (rate, sound.size) == (48_000, 24_000)
        np.testing.assert_allclose(sound[:-10], 0.25, atol=1e-6)  # halved by the stand-in
    assert separated(sam) == [
        {"loaded": "facebook/sam-audio-large"},  # once for both
        {"prompt": "ringing bell", "spans": True, "candidates": 8, "rate": 16_000},
        {"prompt": "gong", "spans": True, "candidates": 8, "rate": 16_000},
    ]
    assert [json.loads(line) for line in (sam.notes / "seeds.jsonl").read_text().splitlines()] == [7, 7]
    assert seen == [1, 2, 2]
    assert model.untrained
    assert model._model.closed
    assert model.notes[:2] == ["sounds of steady, out of which SAM-Audio takes what the prompt names", "one note"]
    assert any(note.startswith("recipe sam-audio, sha256 ") for note in model.notes)


def test_the_failures_of_either_part_stay_with_their_samples(ask, sam, tmp_path):
    settings = models_toml(tmp_path / "m.toml", {"sam-audio": sam}, OFFICIAL_AT="gong")
    model = load_model("separate:steady", models_toml=settings)
    requests = [ask(name, prompt, duration=0.1) for name, prompt in (("a", "refused"), ("b", "bell"), ("c", "gong"))]
    first, second, third = [model._asked(request) for request in requests]
    assert isinstance(first, GenerationError)
    answers = model._separated(requests, [first, second, third])
    model.close()
    assert [str(answer) for answer in answers if isinstance(answer, GenerationError)] == [
        "I do not know it", "the program says: RuntimeError: no such sound",
    ]  # fmt: skip
    assert not isinstance(answers[1], GenerationError)


def test_a_sound_that_is_too_short_is_not_separated(ask, sam, settings):
    model = load_model("separate:steady", models_toml=settings, samples=100)
    with pytest.raises(
        GenerationError, match=r"steady answered float32 \(100,\) at 16000 Hz, expected floats \(8000,\)"
    ):
        model.generate(ask("a", duration=0.5))
    assert not (sam.notes / "separated.jsonl").exists()


def test_a_program_by_recipe_can_be_the_model(ask, sam, tmp_path):
    place = official_checkout(classes.__getattr__("selva-demo").recipe, tmp_path)
    settings = models_toml(tmp_path / "m.toml", {"sam-audio": sam, "selva-demo": place})
    model = load_model("separate:selva-demo", models_toml=settings, num_steps=3)
    sound, rate = model.generate(ask("a", "bell", duration=0.48))
    model.close()
    assert (rate, sound.size) == (48_000, 23_040)
    np.testing.assert_allclose(sound[:-10], 0.125, atol=1e-4)
    assert place.parsed()[0]["num_steps"] == 3


def test_a_file_of_ones_own_keeps_its_hash(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("class Own:\n    sample_rate = 8000\n    def generate(self, request): ...\n")
    entry, inner = get_model(f"separate:{path}:Own"), get_model(f"{path}:Own")
    assert isinstance(entry, OwnModel)
    assert (entry.name, entry.file, entry.source_sha256) == ("separate-Own", path, inner.source_sha256)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("separate:orcale", "unknown model 'orcale'; did you mean .*oracle"),
        ("separate:separate:steady", "expected separate:MODEL, a model that is not itself separated"),
        ("separate:", "expected separate:MODEL"),
    ],
)
def test_a_model_that_there_is_not_is_refused(name, message):
    with pytest.raises(UnknownModel, match=message):
        get_model(name)


def test_an_option_that_neither_has_is_refused(settings):
    with pytest.raises(ValueError, match="model 'separate-steady' has no option 'colour'"):
        load_model("separate:steady", models_toml=settings, colour="red")


def test_a_model_with_an_option_of_the_separators_is_refused():
    class Double(Steady):
        def __init__(self, *, separator: str = "") -> None: ...

    registry.register_model("double", target=Double)
    with pytest.raises(ValueError, match="double: its option 'separator' is SAM-Audio's too"):
        get_model("separate:double")


def test_a_run_of_the_separated_mixture_needs_no_weights_and_names_both(
    benchmark_of_two, sam, settings, tmp_path, monkeypatch
):
    """The control of this baseline: with a separator that halves, the mixture comes back at half its loudness."""
    import benchmark
    from foundation import media

    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(settings))
    runs = {
        name: benchmark.generate(benchmark_of_two, name, subset="inter", runs=tmp_path / "runs", limit=1)
        for name in ("separate:mixture", "mixture")
    }
    run = runs["separate:mixture"]
    record = json.loads(run.run_json.read_text())["model"]
    assert (run.path.name, record["name"], record["kind"]) == ("separate-mixture", "separate-mixture", "control")
    assert record["options"]["separator"] == "facebook/sam-audio-large"
    assert record["notes"][0] == "sounds of mixture, out of which SAM-Audio takes what the prompt names"
    (name,) = [path.name for path in (run.path / "audio").iterdir()]
    half, whole = (media.read_audio(one.path / "audio" / name, sample_rate=16_000) for one in (run, runs["mixture"]))
    assert np.corrcoef(half, whole)[0, 1] > 0.9
    assert np.abs(half).mean() == pytest.approx(np.abs(whole).mean() / 2, rel=0.25)  # interpolated: the treble is lost


def test_the_doctor_looks_at_both_parts(tmp_path, monkeypatch):
    from benchmark.cli import app, doctor_program

    monkeypatch.setattr(doctor_program, "own_gpu", str)  # it would import torch
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["doctor", "--model", "separate:foleycrafter"])
    assert answer.exit_code == 2
    assert "missing  foleycrafter: checkpoints/temporal_adapter.ckpt: not in the checkout" in answer.stdout
    assert "missing  sam-audio: checkout: nothing says where it is" in answer.stdout
    assert "table [sam-audio]" in answer.stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("seperate:selva", "separate:selva"),
        ("separete:selva-demo", "separate:selva-demo"),
        ("seperate:sam-audio", "separate:MODEL, with a name of list-models"),
    ],
)
def test_a_mistyped_separate_is_told_what_it_may_mean(typed, meant):
    with pytest.raises(UnknownModel) as refused:
        get_model(typed)
    assert str(refused.value) == f"unknown model {typed!r}; did you mean {meant}?"
