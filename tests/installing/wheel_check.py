"""Install the wheel as a user would, and run the demo: `make wheel-check`.

A fresh environment gets numpy 2, pandas and the newest torch first; what the wheel then brings must change none of
their versions. In an empty folder, beside folders called metrics/ and benchmark/, `vgg-monoaudio` builds the demo,
scores the controls and writes the tables. Needs a package index, minutes, and up to 7 GB in the folder of temporaries.
`ARGS="--torch torch==2.6.*"` names another torch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEW_TO_A_USER = ("numpy>=2", "pandas", "torch")


def run(command: Sequence[str | Path], cwd: Path) -> float:
    """Run a command without this checkout on the path; return how many seconds it took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    begun = time.monotonic()
    subprocess.run(list(map(str, command)), cwd=cwd, env=environment, check=True)
    return time.monotonic() - begun


def versions(python: Path) -> dict[str, str]:
    """Return what is installed, distribution to version."""
    command = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {package["name"]: package["version"] for package in listed}


def size(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def check(folder: Path, wheel: Path, before: Sequence[str]) -> list[str]:
    """Install and run; return what is wrong."""
    environment, work = folder / "environment", folder / "work"
    run([sys.executable, "-m", "venv", environment], folder)
    python, program = environment / "bin" / "python", environment / "bin" / "vgg-monoaudio"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    first = run([*install, *before], folder)
    had, weighed = versions(python), size(environment)
    took = run([*install, wheel], folder)
    have = versions(python)
    print(f"beside numpy {had['numpy']} and torch {had['torch']} ({weighed / 1e6:,.0f} MB in {first:.0f} s):")
    print(f"{len(have) - len(had)} packages, {(size(environment) - weighed) / 1e6:,.0f} MB in {took:.0f} s")
    wrong = [f"{name} went from {old} to {have.get(name)}" for name, old in had.items() if have.get(name) != old]
    for name in ("metrics", "benchmark"):
        (work / name).mkdir(parents=True)
        (work / name / "__init__.py").write_text("raise SystemExit('a folder of the user shadows the suite')\n")
    run([program, "--version"], work)
    print(f"the demo, built, answered and scored: {run([program, 'eval'], work):.0f} s")
    run([program, "report", "--out", "tables"], work)
    if not (work / "tables.md").is_file():
        wrong.append("report wrote no tables")
    return wrong


def main() -> None:
    """Check the wheel in dist/ and exit with status 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--torch", default="torch", help="requirement of the torch to install first, or a wheel")
    parser.add_argument("--keep", type=Path, help="make the environment in this folder and keep it")
    asked = parser.parse_args()
    (wheel,) = sorted((ROOT / "dist").glob("*.whl"))[-1:]
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="vgg-monoaudio-wheel-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wrong = check(folder.resolve(), wheel, [*NEW_TO_A_USER[:-1], asked.torch])
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)
    if wrong:
        raise SystemExit("\n".join(f"error: {line}" for line in wrong))
    print("nothing was changed, and the demo runs")


if __name__ == "__main__":
    main()
