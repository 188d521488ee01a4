"""Importing one module of an installed package without running the package's own start-up code.

`panns_inference` runs wget when imported and writes to the home directory; `laion_clap` changes `sys.path` and the
environment, and its training code loads three tokenizers. The model classes inside need none of that.
"""

import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from foundation.extras import missing

_sys_modules = RLock()


@contextmanager
def _environment_as_found() -> Iterator[None]:
    """Put back the environment variables; laion_clap sets one when imported."""
    found = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - found.keys():
            del os.environ[name]
        os.environ.update(found)


@contextmanager
def librosa_caches() -> Iterator[None]:
    """See that librosa's compiled functions find a cache folder while they are imported or first used.

    They look beside librosa's own files, as Python does for byte code, and then in the home directory; where neither
    can be written the import fails. So where the first cannot be, they get the temporary folder. NUMBA_CACHE_DIR, if
    the user has set it, is respected.
    """
    spec = find_spec("librosa")
    folders = (spec.submodule_search_locations or []) if spec is not None else []
    with _environment_as_found():
        if not all(os.access(folder, os.W_OK) for folder in folders):
            os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.gettempdir())
        yield


@contextmanager
def _modules_as_found(*roots: str) -> Iterator[None]:
    """Put back, on leaving, what `sys.modules` holds under these names and below."""

    def under_roots() -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.split(".")[0] in roots}

    found = under_roots()
    for name in found:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in under_roots():
            del sys.modules[name]
        sys.modules.update(found)


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """Have a package that is not imported yet look as if it were not installed."""
    hidden = package not in sys.modules
    if hidden:
        sys.modules[package] = None  # type: ignore[assignment]  # which is how Python spells it
    try:
        yield
    finally:
        if hidden:
            del sys.modules[package]


def _bare_package(name: str, folder: Path) -> ModuleType:
    """Return an empty package: its submodules are found in `folder`, its `__init__.py` is not run."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    package.__spec__ = ModuleSpec(name, loader=None, is_package=True)
    return package


def import_isolated(module: str, *, without: tuple[str, ...] = ()) -> ModuleType:
    """Return a module of an installed package, imported on its own.

    No `__init__.py` above the module runs, so relative imports inside the package work and nothing else happens;
    `sys.modules` and the environment are left as found. The module is the caller's own copy: changes to it
    reach no other caller.

    Args:
        module: full name, such as "laion_clap.clap_module.model".
        without: packages that the module imports and does not use; empty stand-ins take their place meanwhile. Names
            such as "matplotlib.pyplot"; already imported ones are hidden and then put back.

    Raises:
        ModuleNotFoundError: the package is not installed, or has no such module.
    """
    package, *below = module.split(".")
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not installed; {module} is needed", name=package)
    folder = Path(next(iter(spec.submodule_search_locations)))
    with (
        _sys_modules,
        librosa_caches(),
        _absent("boto3"),  # transformers imports accelerate, and it boto3 where that is, which opens a socket
        _modules_as_found(package, *{name.split(".")[0] for name in without}),
    ):
        name = package
        sys.modules[name] = _bare_package(name, folder)
        for part in below[:-1]:
            name, folder = f"{name}.{part}", folder / part
            sys.modules[name] = _bare_package(name, folder)
        for unused in without:
            stand_in = ModuleType(unused)
            stand_in.__path__ = []
            sys.modules[unused] = stand_in
            parent, _, child = unused.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, stand_in)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the package's own imports; nothing a user could fix
            return importlib.import_module(module)


def load_isolated(module: str, extra: str, *, needed_by: str, without: tuple[str, ...] = ()) -> Any:
    """Return what `import_isolated` does, of a package of an extra.

    Args:
        module: see `import_isolated`.
        extra: as `pyproject.toml` calls it.
        needed_by: what cannot be done without it, for the message.
        without: see `import_isolated`.

    Raises:
        foundation.extras.MissingPackage: the package, or one that it imports, is not installed.
    """
    try:
        return import_isolated(module, without=without)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise missing(package, extra, needed_by=needed_by) from error


def class_on_demand(module: str, name: str, make: Callable[[], type]) -> Callable[[str], Any]:
    """Return a `__getattr__` for a module, one class of which derives from a class of an extra's package.

    So the module can be imported without the extra: the class is made, once, when somebody asks for it.

    Args:
        module: its `__name__`.
        name: of the class.
        make: makes it; raises `foundation.extras.MissingPackage` where the package is not there.
    """

    def __getattr__(wanted: str) -> Any:
        if wanted != name:
            raise AttributeError(f"module {module!r} has no attribute {wanted!r}")
        with _sys_modules:
            names = vars(sys.modules[module])
            if name not in names:
                names[name] = make()
            return names[name]

    return __getattr__


def derived(methods: type, base: type, name: str, **attributes: Any) -> type:
    """Return a class of this name that has the methods of the first class and is otherwise the second."""
    described = {"__module__": methods.__module__, "__doc__": methods.__doc__}
    return type(name, (methods, base), {**described, **attributes})
