"""Stand-ins for the programs that have a recipe, in checkouts like theirs."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.programs.recipe import Recipe

PROGRAMS = Path(__file__).parent / "programs"
LAUNCHER = """
import os, runpy, sys
assert sys.argv[1:3] == ["--standalone", "--nproc_per_node=1"], sys.argv
os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
sys.argv = sys.argv[3:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class OfficialCheckout:
    """A checkout in which the stand-in plays an official program's part."""

    name: str
    folder: Path
    notes: Path
    log: Path

    def options(self, mood: str = "", at: str = "", **others: Any) -> dict[str, Any]:
        env = {
            "OFFICIAL_NAME": self.name, "OFFICIAL_NOTES": str(self.notes), "OFFICIAL_MOOD": mood, "OFFICIAL_AT": at,
            "OFFICIAL_FLAGS": str(PROGRAMS / "official_flags.json"),
        }  # fmt: skip
        basic = {"checkout": self.folder, "python": sys.executable, "log": self.log, "time_limit_seconds": 60}
        return {**basic, "env": env, **others}

    def parsed(self) -> list[dict[str, Any]]:
        """What each start of a script was given, in order."""
        path = self.notes / "parsed.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def official_checkout(recipe: Recipe, tmp_path: Path) -> OfficialCheckout:
    """Make the checkout of a recipe's program, with a file for each that it wants, under a hard name."""
    name = recipe.name.replace("-xl", "-xxl") if recipe.name.endswith("-xl") else recipe.name
    place = OfficialCheckout(name, tmp_path / 'a "checkout" — ü\'s', tmp_path / "notes", tmp_path / "logs" / "log")
    place.notes.mkdir()
    for step in recipe.steps:
        (place.folder / step.entry).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROGRAMS / "official.py", place.folder / step.entry)
    for file in recipe.files:
        (place.folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / file.path).write_bytes(b"weights")
    if any(step.launcher for step in recipe.steps):
        package = place.folder / "torch" / "distributed"
        package.mkdir(parents=True)
        for folder in (package.parent, package):
            (folder / "__init__.py").touch()
        (package / "run.py").write_text(LAUNCHER)
    return place


def driven_checkout(name: str, tmp_path: Path, *, torch: bool = False) -> OfficialCheckout:
    """Make the checkout of a program that a driver speaks for: its package, and stand-ins for torch and torchaudio.

    Args:
        name: of the recipe.
        tmp_path: where.
        torch: let the driver use the real torch.
    """
    module = {"sam-audio": "sam_audio", "sam-audio-judge": "sam_audio", "audiox": "stable_audio_tools"}[name]
    place = OfficialCheckout(name, tmp_path / f"{name} checkout", tmp_path / f"{name} notes", tmp_path / f"{name}.log")
    place.notes.mkdir()
    (place.folder / module).mkdir(parents=True)
    shutil.copyfile(PROGRAMS / f"{module}.py", place.folder / module / "__init__.py")
    shutil.copyfile(PROGRAMS / "torchaudio.py", place.folder / "torchaudio.py")
    if not torch:
        shutil.copyfile(PROGRAMS / "tensors.py", place.folder / "torch.py")
    return place


def models_toml(path: Path, tables: dict[str, OfficialCheckout], **env: str) -> Path:
    """Write a settings file that says where checkouts are."""
    lines = []
    for name, place in tables.items():
        told = {**place.options()["env"], **env}
        lines += [
            f"[{name}]", f"checkout = {json.dumps(str(place.folder))}", f"python = {json.dumps(sys.executable)}",
            f"log = {json.dumps(str(place.log))}", "time_limit_seconds = 60",
            f"env = {{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in told.items())} }}",
        ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path
