"""What an installed copy of the packages holds besides Python files."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_file_of_a_package_is_installed_with_it():
    """A file that `package-data` does not name is in the checkout alone, and missing after `pip install`."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    left_out = set()
    for pattern in setuptools["packages"]["find"]["include"]:
        room = ROOT / pattern.rstrip("*")
        files = {path for path in room.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        for named in setuptools["package-data"].get(room.name, []):
            files -= set(room.glob(named))
        left_out |= {str(path.relative_to(ROOT)) for path in files}
    assert left_out == set()
