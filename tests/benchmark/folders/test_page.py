"""docs/scoring.md, followed word by word: its commands and its Python run as they are printed."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)


def test_the_command_runs_as_printed(laid, command):
    laid.video.rename(laid.video.with_name("films"))  # `command` runs where the folders lie
    (line,) = re.findall(r"(?m)^python -m benchmark (score .*)$", PAGE)
    done = command(*shlex.split(line), "--seconds", "5", "--workers", "0")  # these sounds are shorter than the page's
    assert (done.status, done.err) == (0, "")
    heading = [line.split() for line in PAGE.splitlines() if line.startswith("metric ")]
    assert done.out.splitlines()[0].split() in heading
    shown = {line.split()[0] for line in done.out.splitlines() if "↑" in line or "↓" in line}
    assert shown <= {line.split()[0] for line in PAGE.splitlines() if "↑" in line or "↓" in line}


def test_the_examples_in_python_are_of_folders_of_a_loop_and_of_a_network():
    assert [next(name for name in ("score_folders", "FrechetAudioDistance", "load_backbone") if name in code)
            for code in PYTHON] == ["score_folders", "FrechetAudioDistance", "load_backbone"]  # fmt: skip


def test_two_folders_are_scored_from_python_as_printed(laid, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    laid.video.rename(laid.video.with_name("films"))
    names = sorted(path.stem for path in laid.generated.iterdir())
    prompts = ", ".join(f'"{name}": "sound {place}"' for place, name in enumerate(names))
    code = PYTHON[0].replace('"dog": "dog barking"', prompts).replace('profile="signal"', 'profile="signal", seconds=5')
    exec(compile(code, "scoring.md", "exec"), {})
    assert "FAD" in capsys.readouterr().out


def test_the_training_loop_runs_as_printed(capsys):
    exec(compile(PYTHON[1], "scoring.md", "exec"), {})
    fad, kad = map(float, capsys.readouterr().out.split())
    assert fad > 0
    assert abs(kad) < 5  # noise of one kind


@pytest.mark.parametrize("name", ["located", "centred_mono", "PANNS_RATE", "load_backbone"])
def test_what_the_example_with_weights_uses_is_there(name):
    from foundation import checkpoints
    from metrics import backbones
    from metrics.backbones import frontends

    assert name in PAGE
    assert any(hasattr(module, name) for module in (checkpoints, backbones, frontends))
