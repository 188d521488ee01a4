"""The core needs no package of an extra: without any, every module can be imported and a benchmark be scored."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Looks for packages as Python does where those of the extras are not installed.
WITHOUT = """
import sys
ABSENT = {
    "torchaudio", "torchvision", "laion_clap", "panns_inference", "torchlibrosa", "open_clip", "transformers",
    "tokenizers", "timm", "einops", "imageio_ffmpeg", "hear21passt", "audiobox_aesthetics", "silero_vad", "cv2",
    "pyloudnorm", "vggsounder", "krippendorff", "ray", "accelerate", "ema_pytorch", "tensordict", "tensorboard",
}

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
"""
# Torchaudio and torchvision as they are beside another torch: there, and not to be loaded.
UNLOADABLE = """
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec

class Broken(Loader):
    def create_module(self, spec):
        raise OSError("libcudart.so.13: cannot open shared object file")

class Unloadable:
    def find_spec(self, name, path=None, target=None):
        if name in {"torchaudio", "torchvision"}:
            return ModuleSpec(name, Broken(), is_package=True)

sys.meta_path.insert(0, Unloadable())
"""
IMPORT_ALL = """
import pkgutil
from importlib import import_module

seen = 0
for room in ("foundation", "metrics", "vgg_monoaudio", "baselines", "benchmark"):
    for found in pkgutil.walk_packages(import_module(room).__path__, f"{room}."):
        # Drivers are run by other programs' interpreters, migrations by alembic; GPU kernels need triton.
        apart = found.name.startswith(("baselines.programs.drivers.", "benchmark.web."))
        if apart or found.name in {"metrics.backbones.synchformer.time_attention", "baselines.mmaudio.snake"}:
            continue
        if not found.name.endswith("__main__"):
            import_module(found.name)
            seen += 1
print(seen)
"""


# Below a guard, because worker processes import the script too, and with it what hides packages from them.
EVALUATE = """
if __name__ == "__main__":
    from benchmark import Choices, evaluate, generate

    run = generate({path!r}, "mixture", subset="inter", runs="runs", workers=2)
    evaluate(run, {path!r}, Choices(profile="signal", resamples=40), cache="cache", workers=2)
    print(run.metrics_json)
"""


def run(tmp_path: Path, *code: str) -> "subprocess.CompletedProcess[str]":
    script = tmp_path / "script.py"
    script.write_text("\n".join(code))
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=here, capture_output=True, text=True)


@pytest.mark.parametrize("packages", [WITHOUT, UNLOADABLE], ids=["not installed", "built for another torch"])
def test_every_module_can_be_imported(tmp_path, packages):
    done = run(tmp_path, packages, IMPORT_ALL)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 400


@pytest.mark.parametrize("packages", [WITHOUT, UNLOADABLE], ids=["not installed", "built for another torch"])
def test_a_benchmark_is_answered_and_scored(tmp_path, tiny, packages):
    done = run(tmp_path, packages, EVALUATE.format(path=str(tiny.path)))
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads((tmp_path / done.stdout.splitlines()[-1]).read_text())
    assert record["counts"] == {"expected": 4, "generated": 4, "scored": 4}
    assert all(record["metrics"][name]["value"] is not None for name in ("fad", "kad", "desync", "clap"))
