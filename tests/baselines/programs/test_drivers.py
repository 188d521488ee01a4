"""The scripts that speak for a program which has no command of its own, against stand-ins for its package."""

import ast
import json

import numpy as np
import pytest
from support.recipes import driven_checkout, models_toml

from baselines import GenerationError, load_model
from baselines.programs.judging import Opinion, judge_class
from baselines.programs.recipe import DRIVERS
from baselines.programs.separating import _separator


def asked(place, name):
    return [json.loads(line) for line in (place.notes / f"{name}.jsonl").read_text().splitlines()]


def ask_audiox(place, ask):
    model = load_model("audiox", **place.options(), steps=10, seed=3, device="cpu")
    try:
        return model.generate_batch([ask("a", "bell", duration=0.5), ask("b", "silence", duration=0.5)])
    finally:
        model.close()


def test_audiox_is_loaded_once_and_asked_as_its_readme_does(tmp_path, ask):
    place = driven_checkout("audiox", tmp_path)
    (sound, rate), silent = ask_audiox(place, ask)
    assert (rate, sound.size) == (44_100, 22_050)
    np.testing.assert_allclose(sound, 32767 / 32768, atol=1e-6)  # its README brings every sound to full scale
    assert isinstance(silent, GenerationError)
    assert "ValueError: the answer is silent" in str(silent)
    assert (place.notes / "loaded").read_text() == "HKUSTAudio/AudioX\n"
    first, second = asked(place, "asked")
    assert first == {"prompt": "bell", "seed": 3, "steps": 10, "cfg_scale": 7.0, "device": "cpu"}
    assert second["seed"] == 3


@pytest.mark.parametrize("path", sorted(DRIVERS.glob("*.py")), ids=lambda path: path.name)
def test_a_driver_knows_nothing_of_this_project_and_may_be_read_by_python_3_8(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert not names & {"baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio"}


@pytest.mark.slow(minutes=0.3)
def test_the_drivers_speak_to_torch_itself(tmp_path, ask):
    place = driven_checkout("audiox", tmp_path, torch=True)
    (sound, rate), silent = ask_audiox(place, ask)
    assert (rate, sound.size) == (44_100, 22_050)
    assert "the answer is silent" in str(silent)
    sam = driven_checkout("sam-audio", tmp_path, torch=True)
    separator = _separator()(models_toml=models_toml(tmp_path / "models.toml", {"sam-audio": sam}), device="cpu")
    request = ask("a", "Bell", duration=0.5)
    (answer,) = separator.separate([request], {"a": (np.full(8_000, 0.5, np.float32), 16_000)})
    separator.close()
    np.testing.assert_allclose(answer[0][:-10], 0.25, atol=1e-6)
    judge = judge_class()(**driven_checkout("sam-audio-judge", tmp_path, torch=True).options(), device="cpu")
    quiet = {"a": (np.full(24_000, 0.25, np.float32), 48_000)}
    (opinion,) = judge.judge([request], {"a": (np.full(24_000, 0.5, np.float32), 48_000)}, quiet)
    judge.close()
    assert opinion == Opinion(recall=0.25, precision=0.5, faithfulness=0.5)
