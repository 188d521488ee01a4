"""A model of one's own by its address: `path/to/file.py:Class` or `package.module:Class`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType

from baselines.generator import UnknownModel
from baselines.neighbours import append_to_path, served
from foundation.files import file_sha256
from foundation.names import joined, nearest

FORMS = "path/to/file.py:Class or package.module:Class"


@dataclass(frozen=True)
class OwnClass:
    """A class that an address leads to.

    Attributes:
        model: the class.
        file: the file that was named, or the one of the module that defines the class.
        sha256: of that file's bytes; of the modules that it imports nothing is known.
    """

    model: type
    file: Path
    sha256: str


_EXECUTED: dict[Path, tuple[str, ModuleType]] = {}  # file to hash and module, so that a class stays itself
_IMPORTED: dict[Path, tuple[str, type]] = {}  # file of a module to its hash when it was first asked for, and a class


def is_address(text: str) -> bool:
    """Tell whether a text is meant as an address: names of models hold no colon and do not end in .py."""
    return ":" in text or text.endswith(".py")


def find_class(address: str) -> OwnClass:
    """Import what an address names and return the class. A file that has changed since is executed again.

    A file may import what lies next to it (`baselines.neighbours`), and cannot hide a module that is installed. For
    a module the working directory is appended to `sys.path`.

    Raises:
        UnknownModel: the text is not an address, or there is no such file, module or class.
        ValueError: the file cannot be imported or would import another file's neighbour, the module's file has
            changed since it was imported, or what is found under that name is not a model.
    """
    where, _, name = address.rpartition(":")  # the last colon: a path may hold others
    if not where or not name.isidentifier():
        if address.endswith(".py"):
            raise UnknownModel(f"unknown model {address!r}; name the class too, as in {Path(address).name}:MyModel")
        raise UnknownModel(f"unknown model {address!r}; expected a name of list-models, {FORMS}")
    is_file = where.endswith(".py") or os.sep in where or "/" in where
    module, file, sha256 = _executed(where) if is_file else _imported(where)
    model = _class_in(module, name, where)
    if not is_file:
        file, sha256 = _source(model, address)
    return OwnClass(model, file, sha256)


def typed_in(model: type) -> str | None:
    """Return the SHA-256 of the script or notebook cell that holds a class; None where its text is not known.

    A class of an imported module has none: its package has a version.
    """
    if model.__module__ != "__main__":
        return None
    codes = (value.__code__ for value in vars(model).values() if inspect.isfunction(value))
    text = "".join(line for code in islice(codes, 1) for line in linecache.getlines(code.co_filename))
    return hashlib.sha256(text.encode()).hexdigest() if text else None


@contextmanager
def naming_file(file: Path | None) -> Iterator[None]:
    """Turn what foreign code raises into a `ValueError` of one line with file and line; None leaves it alone.

    A `ValueError` of its own, and what our packages raise, is meant for the user already.
    """
    try:
        yield
    except ValueError:
        raise
    except (Exception, SystemExit) as error:
        if file is None or type(error).__module__.partition(".")[0] in {"baselines", "foundation"}:
            raise
        raise ValueError(_with_place(error, file)) from error


def _executed(where: str) -> tuple[ModuleType, Path, str]:
    path = Path(where).expanduser().absolute()
    if path.is_dir():
        raise UnknownModel(f"{where}: is a folder, expected a Python file; for a package: package.module:Class")
    if not path.is_file():
        near = nearest(path.stem, (other.stem for other in path.parent.glob("*.py")), most=1)
        raise UnknownModel(f"{where}: no such file" + (f"; did you mean {near[0]}.py?" if near else ""))
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if path in _EXECUTED and _EXECUTED[path][0] == sha256:
        return _EXECUTED[path][1], path, sha256
    with served(path):
        module = _execute(path, content, where)
    _EXECUTED[path] = (sha256, module)
    return module, path, sha256


def _execute(path: Path, content: bytes, where: str) -> ModuleType:
    """Execute the very bytes that were hashed; a failure leaves no module behind."""
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise UnknownModel(f"{where}: not a Python file (its name ends in .py)")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # where dataclasses and pickle look
    try:
        exec(compile(content, path, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        way_out = ""
        if isinstance(error, ImportError) and "relative import" in str(error):
            way_out = "; import it without the dot, or name the model as package.module:Class"
        raise ValueError(_with_place(error, path) + way_out) from error
    return module


def _imported(where: str) -> tuple[ModuleType, Path, str]:
    if not all(part.isidentifier() for part in where.split(".")):
        raise UnknownModel(f"{where!r} is neither a file nor a module; expected {FORMS}")
    append_to_path(Path.cwd())
    try:
        module = importlib.import_module(where)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{where}.".startswith(f"{error.name}."):
            raise UnknownModel(f"{where}: no module {error.name!r}; expected {FORMS}") from error
        raise ValueError(_with_place(error, None)) from error
    return module, Path(getattr(module, "__file__", None) or where), ""


def _source(model: type, address: str) -> tuple[Path, str]:
    """Return the file that defines a class of a module, and its hash.

    Raises:
        ValueError: there is no such file, as for a class typed into a prompt; or it has changed since the class was
            first asked for and the module is still the old one.
    """
    module = sys.modules.get(model.__module__)
    file = Path(getattr(module, "__file__", None) or "")
    if not file.is_file():
        raise ValueError(
            f'{address}: the class is not in a file; name it with @register_model("...") and run it by that name'
        )
    sha256 = file_sha256(file)
    before, known = _IMPORTED.setdefault(file, (sha256, model))
    if before != sha256:
        if getattr(module, known.__qualname__, None) is known:  # not reloaded
            raise ValueError(
                f"{file}: has changed since it was imported; restart Python, or name the file: "
                f"{file.name}:{model.__name__}"
            )
        _IMPORTED[file] = (sha256, model)
    return file, sha256


def _module_name(path: Path) -> str:
    """Return the file's stem, as an import next to it would have it, unless that is another module's name."""
    found = sys.modules.get(path.stem)
    place = getattr(found, "__file__", None)
    if found is None and path.stem.isidentifier():
        spec = importlib.util.find_spec(path.stem)
        if spec is None:
            return path.stem
        place = spec.origin
    if place is not None and Path(place).absolute() == path:
        return path.stem
    return f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _class_in(module: ModuleType, name: str, where: str) -> type:
    found = getattr(module, name, None)
    if found is None:
        classes = [key for key, value in vars(module).items() if _is_model(value)]
        near = nearest(name, classes) or classes
        hint = f"did you mean {joined(near)}?" if near else "no class in it has a method `generate`"
        raise UnknownModel(f"{where}: no class {name!r}; {hint}")
    if not isinstance(found, type):
        raise ValueError(f"{where}: {name} is not a model: it is a {type(found).__name__}, expected a class")
    if not _is_model(found):
        raise ValueError(
            f"{where}: {name} is not a model: it has no method `generate`; "
            "a model has `sample_rate` (Hz) and `generate(request)`"
        )
    return found


def _is_model(value: object) -> bool:
    return (
        inspect.isclass(value)
        and callable(getattr(value, "generate", None))
        and not getattr(value, "_is_protocol", False)
    )


def _with_place(error: BaseException, file: Path | None) -> str:
    """Return an error in one line, with file and line: where `file` went wrong, else where the error came up."""
    if isinstance(error, SyntaxError):
        place, message = f"{error.filename or file}:{error.lineno}", error.msg
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
        own = [frame for frame in frames if file is not None and frame.filename == str(file)]
        deepest = (own or frames)[-1]
        place, message = f"{deepest.filename}:{deepest.lineno}", " ".join(str(error).split())
        if file is not None and not own and Path(deepest.filename).parent == Path(__file__).parent:
            place = str(file)  # what we called has no line of its own, as an abstract class
    return f"{place}: {type(error).__name__}{': ' if message else ''}{message}"
