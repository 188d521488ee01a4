"""`models.toml`: where third-party programs are on this machine, and how to run them.

Only what depends on the machine belongs there. What changes the sound is a model's option, because options are part
of a run's record and of its fingerprint.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from foundation.names import nearest

MODELS_VARIABLE = "VGG_MONOAUDIO_MODELS"
DEFAULT_FILE = Path("models.toml")
LOGS = Path("results/logs")


@dataclass(frozen=True)
class Settings:
    """How to run one program on this machine.

    Attributes:
        name: the table in models.toml, and the name of the log.
        checkout: the program's folder, its working directory.
        python: an interpreter, the folder of an environment (venv or conda), or "conda:NAME".
        device: "cuda", "cuda:1", or "cpu"; the program sees that one device alone. None: whatever is there.
        env: environment variables on top of ours.
        time_limit_seconds: the program is stopped when it finishes nothing for so long.
        work_dir: where temporary folders are made; None is the system's.
        log: everything the program prints is appended to it.
        file: the settings file that was looked into; no setting itself.
    """

    name: str
    checkout: Path | None = None
    python: str | None = None
    device: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    time_limit_seconds: float = 1800.0
    work_dir: Path | None = None
    log: Path | None = None
    file: Path = DEFAULT_FILE

    @property
    def log_path(self) -> Path:
        """Where the program's output goes, absolute."""
        return (self.log or LOGS / f"{self.name}.log").absolute()

    @property
    def table(self) -> str:
        """Where these settings are written, for messages; a table of nearly that name is mentioned."""
        place = f"{self.file}, table [{self.name}]"
        if not self.file.is_file():
            return f"{place} (there is no such file)"
        tables = _content(self.file)
        if self.name in tables:
            return place
        near = nearest(self.name, tables, most=1)
        return f"{place} (it has {f'[{near[0]}] instead' if near else 'no such table'})"


class ProgramOptions(TypedDict, total=False):
    """Where a program is and how to run it, as options of a model; None and absent ones come from models.toml.

    Attributes:
        checkout: the program's folder.
        python: its interpreter, environment folder, or conda:NAME.
        device: cuda, cuda:N or cpu.
        env: environment variables for it.
        time_limit_seconds: it is stopped when it finishes nothing for so long.
        work_dir: where temporary folders are made.
        log: file that its output is appended to.
        models_toml: the settings file; see `settings_file`.
    """

    checkout: str | Path | None
    python: str | None
    device: str | None
    env: Mapping[str, str] | None
    time_limit_seconds: float | None
    work_dir: str | Path | None
    log: str | Path | None
    models_toml: str | Path | None


_SETTINGS = tuple(entry.name for entry in fields(Settings) if entry.name not in {"name", "file"})
# Those that cannot change what a program answers, so that a run goes on although they have changed.
HARMLESS_SETTINGS = frozenset({"device", "time_limit_seconds", "work_dir", "log"})


def settings_file(path: Path | str | None = None) -> Path:
    """Return which file is read: the argument, else $VGG_MONOAUDIO_MODELS, else ./models.toml."""
    return Path(path or os.environ.get(MODELS_VARIABLE) or DEFAULT_FILE)


def read_settings(
    name: str, *, default_time_limit_seconds: float = 1800.0, **given: Unpack[ProgramOptions]
) -> Settings:
    """Return a program's settings: its table in models.toml, and on top of it what is given here and not None.

    Paths in the file are relative to the file; paths given here to the working directory.

    Args:
        name: the table's name.
        default_time_limit_seconds: where neither the file nor the call says one.
        given: settings by name. A file that `models_toml` names must be there; the default one may be absent.

    Raises:
        ValueError: a file that is missing or not TOML, a key that is not a setting, a value of the wrong kind.
    """
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    asked = "models_toml" in options or MODELS_VARIABLE in os.environ
    path = settings_file(options.pop("models_toml", None))
    if asked and not path.is_file():
        raise ValueError(f"{path}: no such file; docs/models.toml.example shows what belongs in it")
    settings = Settings(name, time_limit_seconds=default_time_limit_seconds, file=path)
    if path.is_file():
        settings = _with(settings, _table(path, name), source=f"{path}, table [{name}]", base=path.absolute().parent)
    return _with(settings, options, source="option", base=Path.cwd())


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from error


def _table(path: Path, name: str) -> dict[str, Any]:
    table = _content(path).get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"{path}: {name} is {table!r}, expected a table [{name}]")
    return table


def _with(settings: Settings, values: Mapping[str, Any], *, source: str, base: Path) -> Settings:
    unknown = sorted(set(values) - set(_SETTINGS))
    if unknown:
        near = nearest(unknown[0], _SETTINGS, most=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"{source}: no setting {unknown[0]!r}; {meant}there are: {', '.join(_SETTINGS)}. "
            "What changes the sound is given as --option, so that the run's record has it"
        )
    return replace(settings, **{key: _checked(source, key, value, base) for key, value in values.items()})


def _checked(source: str, key: str, value: Any, base: Path) -> Any:
    if key == "env":
        if not isinstance(value, Mapping) or not all(isinstance(entry, str | int) for entry in value.values()):
            raise ValueError(f"{source}: env: expected names and texts, got {value!r}")
        return {str(name): str(entry) for name, entry in value.items()}
    if key == "time_limit_seconds":
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"{source}: time_limit_seconds: expected seconds above 0, got {value!r}")
        return float(value)
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise ValueError(f"{source}: {key}: expected a text, got {value!r}")
    if key == "device":
        return str(value)
    if key == "python":
        return _interpreter(str(value), base)
    return Path(base, Path(value).expanduser())


def _interpreter(value: str, base: Path) -> str:
    """Leave `conda:NAME` and bare commands as they are; make paths absolute without following links out of a venv."""
    if value.startswith("conda:") or (os.sep not in value and not value.startswith("~")):
        return value
    return str(Path(base, Path(value).expanduser()))


def whole_number(name: str, value: object) -> int:
    """Return an option that is a whole number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: expected a whole number, got {value!r}")
    return value


def finite_number(name: str, value: object) -> float:
    """Return an option that is a number.

    Raises:
        ValueError: it is none, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: expected a number, got {value!r}")
    return float(value)
