"""Write the locks of requirements/: `make lock`.

For each Python two files: `py311.txt` holds what `make install` brings, `py311-dev.txt` what `make dev` adds to it.
Every version is pinned, with the hashes of all its files. Versions that a lock already has stay; name packages to move
them: `make lock ARGS="av pandas"`. They are those for Linux on x86-64, with PyPI's ordinary torch.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
PYTHONS = ("3.11", "3.12", "3.13")
USER_EXTRAS = ("paper", "selva")
PLATFORM = "x86_64-manylinux_2_28"
_ENTRY = re.compile(r"^[A-Za-z0-9][^\n\\]*(?:\\\n {4}--hash=[^\n\\]*)*\n", re.MULTILINE)  # of a requirements file


def lock_path(python: str, *, dev: bool) -> Path:
    """Return the file of one Python, such as requirements/py311-dev.txt."""
    return LOCKS / f"py{python.replace('.', '')}{'-dev' if dev else ''}.txt"


def entries(text: str) -> dict[str, str]:
    """Return the entries of a requirements file, distribution and version to the lines with its hashes."""
    return {found[0].split(" ", 1)[0].strip(): found[0] for found in _ENTRY.finditer(text)}


def resolve(python: str, extras: Sequence[str], known: str, upgrade: Sequence[str]) -> dict[str, str]:
    """Return entries for the project's dependencies, and those of extras, with versions of `known` where they fit."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        output.write_text(known)
        command = [
            sys.executable, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), "--quiet", "--no-config",
            "--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url",
            "--python-version", python, "--python-platform", PLATFORM, "--output-file", str(output),
            *(word for extra in extras for word in ("--extra", extra)),
            *(word for package in upgrade for word in ("--upgrade-package", package)),
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return entries(output.read_text())


def write(python: str, upgrade: Sequence[str]) -> None:
    """Write both locks of one Python; a package has one version in them."""
    paths = {dev: lock_path(python, dev=dev) for dev in (False, True)}
    known = "".join(path.read_text() for path in paths.values() if path.exists())
    everything = resolve(python, ["dev"], "".join(entries(known).values()), upgrade)
    users = resolve(python, USER_EXTRAS, "".join(everything.values()), ())
    strangers = users.keys() - everything.keys()
    if strangers:
        raise SystemExit(f"error: Python {python}: make install would bring {sorted(strangers)}, make dev would not")
    about = f"# Python {python}; written by `make lock`. "
    paths[False].write_text(f"{about}What `make install` brings.\n" + "".join(users.values()))
    added = "".join(entry for name, entry in everything.items() if name not in users)
    paths[True].write_text(f"{about}What `make dev` adds to it.\n-r {paths[False].name}\n" + added)


def main() -> None:
    """Write all locks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("upgrade", nargs="*", help="packages that are to move to their newest version")
    LOCKS.mkdir(exist_ok=True)
    upgrade = parser.parse_args().upgrade
    for python in PYTHONS:
        write(python, upgrade)


if __name__ == "__main__":
    main()
