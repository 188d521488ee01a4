"""What an installed copy of the packages holds besides Python files."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from installing.lock import PYTHONS, USER_EXTRAS, entries, lock_path
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")
COMES_WITH_TORCH = {"triton"}  # on some systems, and is looked for before it is used
BY_NAME = {
    "find_spec",
    "import_isolated",
    "import_module",
    "load_extra",
    "load_isolated",
}  # functions that import a module of a name

DRIVERS = ROOT / "baselines" / "programs" / "drivers"


LOOKED_FOR = {"imageio_ffmpeg"}  # taken where it is; a message says how to get it where it is needed
# Distributions that no module of ours imports.
USED_OTHERWISE = {
    *("mdx-truly-sane-lists", "mkdocs-jupyter", "mkdocs-material", "mkdocstrings"),  # mkdocs.yml names them
    "s3fs",  # fsspec opens s3:// with it
    "tensorboard",  # torch.utils.tensorboard writes for it
    "timm",  # transformers builds networks of it
    "vgg-monoaudio",  # extras that hold others
}
# Rooms whose modules are imported for what they need, and may import an extra at their head.
ROOMS_OF_EXTRAS = {
    "baselines/mmaudio": {"selva"},
    "baselines/selva": {"selva", "train"},
    "benchmark/web": {"web"},
    "metrics/backbones": {"paper", "open", "extended"},
}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(lines: list[str]) -> set[str]:
    return {spelled(re.match(r"[\w.-]+", line)[0]) for line in lines}


def declared(*, without: str = "dev") -> set[str]:
    """Distributions among the dependencies and in extras, but for one extra."""
    extras = project()["optional-dependencies"]
    return names(project()["dependencies"]).union(*(names(extras[extra]) for extra in extras if extra != without))


def spelled(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported(source: str) -> Iterator[str]:
    """Top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in BY_NAME and node.args:
            names = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
        yield from (name.partition(".")[0] for name in names)


def test_every_file_of_a_package_is_installed_with_it():
    """A file that `package-data` does not name is in the checkout alone, and missing after `pip install`."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    left_out = set()
    for name in ROOMS:
        room = ROOT / name
        files = {path for path in room.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        for pattern in (*data["*"], *data.get(name, [])):
            files -= set(room.glob(pattern))
        left_out |= {str(path.relative_to(ROOT)) for path in files}
    assert left_out == set()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and source archive, made of what the checkout holds."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in (*ROOMS, "results/published"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for kind in ("sdist", "wheel"):
        command = f"from setuptools import build_meta; import sys; build_meta.build_{kind}(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", command, str(out)], cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return out


def test_the_wheel_holds_every_module_the_published_rows_and_that_it_is_typed(built):
    (wheel,) = built.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    rows = {f"benchmark/published/{path.name}" for path in (ROOT / "results" / "published").glob("*.csv")}
    assert len(rows) == 4
    assert modules | rows | {f"{room}/py.typed" for room in ROOMS} <= held
    assert {name.partition("/")[0] for name in held if ".dist-info/" not in name} == set(ROOMS)


def test_an_installed_wheel_reads_its_rows_beside_folders_of_the_same_names(built, tmp_path):
    """A folder metrics/ in the working directory is another's."""
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    for name in ("metrics", "benchmark"):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    show = (
        "from benchmark.report.tables.published import FOLDER, read_published; print(FOLDER, len(read_published('D5')))"
    )
    script = tmp_path / "script.py"  # as a console script, it has its own folder on the path instead of the working one
    script.write_text(f"import sys\nsys.path.insert(1, {str(tmp_path / 'installed')!r})\n{show}\n")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path / "work", env={**os.environ, "PYTHONPATH": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    folder, rows = done.stdout.rsplit(None, 1)
    assert Path(folder) == tmp_path / "installed" / "benchmark" / "published"
    assert int(rows) > 0


def test_the_source_archive_builds(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    assert {"setup.py", "results/published/D5.csv", "metrics/registry.py", "metrics/py.typed"} <= held


def test_every_package_that_is_imported_is_a_dependency_or_of_an_extra():
    """One that comes along with another package is gone when that one does without it."""
    installed, named = packages_distributions(), declared()
    own = {*sys.stdlib_module_names, *ROOMS, *COMES_WITH_TORCH, *LOOKED_FOR}
    unnamed: dict[str, str] = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        if path.parent == DRIVERS:
            continue  # run by the interpreters of other programs, which have packages of their own
        for package in set(imported(path.read_text())) - own:
            if not named & {spelled(name) for name in installed.get(package, [package])}:
                unnamed.setdefault(package, str(path.relative_to(ROOT)))
    assert unnamed == {}


def test_every_dependency_is_imported_somewhere():
    """One that nothing uses is weight, and pins what others need."""
    installed = packages_distributions()
    used = set(USED_OTHERWISE)
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for package in imported(path.read_text()):
            used |= {spelled(name) for name in installed.get(package, [package])}
    assert declared() - used == set()


def test_modules_outside_the_rooms_of_extras_import_the_core_alone_at_their_head():
    """`pip install vgg-monoaudio` brings no more; what an extra brings is imported where it is used."""
    installed, core = packages_distributions(), names(project()["dependencies"])
    extras = project()["optional-dependencies"]
    own = {*sys.stdlib_module_names, *ROOMS, *COMES_WITH_TORCH, "ffmpeg"}
    beyond = set()
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        if path.parent == DRIVERS:
            continue
        place = str(path.relative_to(ROOT))
        rooms = [extras[e] for room, found in ROOMS_OF_EXTRAS.items() if place.startswith(f"{room}/") for e in found]
        allowed = core.union(*map(names, rooms))
        for package in set(imported_at_the_head(path.read_text())) - own:
            if not allowed & {spelled(name) for name in installed.get(package, [package])}:
                beyond.add(f"{place}: {package}")
    assert beyond == set()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_pin_and_hash_all_that_pyproject_asks_for(python):
    """The same versions for users and for developers, and nothing of where they were got from."""
    texts = {dev: lock_path(python, dev=dev).read_text() for dev in (False, True)}
    locked = {dev: {Requirement(line) for line in entries(text)} for dev, text in texts.items()}
    assert f"-r {lock_path(python, dev=False).name}" in texts[True].splitlines()
    for dev, text in texts.items():
        plain = [line for line in text.splitlines() if line[:1] not in ("#", " ", "-")]
        assert len(plain) == len(locked[dev])  # each is an entry with hashes, and there is nothing else
        assert all(entry.count("--hash=sha256:") >= 1 for entry in entries(text).values())
        assert "://" not in text
        assert all(re.fullmatch(r"==[^,*]+", str(each.specifier)) for each in locked[dev])
    versions = {spelled(each.name): str(each.specifier)[2:] for found in locked.values() for each in found}
    assert len(versions) == len(locked[False]) + len(locked[True])
    users = {spelled(each.name) for each in locked[False]}
    facts = {"python_version": python, "python_full_version": f"{python}.0"}
    extras = project()["optional-dependencies"]
    for extra, lines in {"": project()["dependencies"], **extras}.items():
        for asked in map(Requirement, lines):
            name = spelled(asked.name)
            if extra == "download" or name == "vgg-monoaudio" or (asked.marker and not asked.marker.evaluate(facts)):
                continue
            assert asked.specifier.contains(versions[name]), (extra, name)
            assert name in users or extra not in ("", *USER_EXTRAS), (extra, name)


def imported_at_the_head(source: str) -> Iterator[str]:
    """Top-level packages that a module imports when it is imported itself."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(ast.unparse(node))


def test_imports_are_found_wherever_they_stand():
    source = "import a.b\ndef f():\n    from c.d import e\n    load_extra('g.h', 'web')\nfrom . import own\n"
    assert set(imported(source)) == {"a", "c", "g"}
