"""Old addresses: modules that moved are served from where they are now, with one warning that says where."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def serve_moved(package: str, moved: Mapping[str, str], *, kept: Mapping[str, str] | None = None) -> None:
    """Let the modules that a package had be imported by their old names.

    Args:
        package: its `__name__`.
        moved: name of a module that the package had to the module that holds its contents now, or to several,
            separated by blanks. The first import warns.
        kept: likewise, for addresses that stay public, without a warning.
    """
    table = {f"{package}.{name}": (new.split(), True) for name, new in moved.items()}
    table |= {f"{package}.{name}": (new.split(), False) for name, new in (kept or {}).items()}
    sys.meta_path.append(_Moved(table))


class _Moved(MetaPathFinder, Loader):
    """Finds what the ordinary finders do not, so a module that exists is never hidden."""

    def __init__(self, table: Mapping[str, tuple[list[str], bool]]) -> None:
        self._table = table

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self._table else None

    def create_module(self, _spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        homes, warned = self._table[name]
        if warned:
            places = " and ".join(homes)
            warnings.warn(f"{name} moved to {places}; the old address will go", FutureWarning, stacklevel=2)
        modules = [import_module(home) for home in homes]
        if len(modules) == 1:
            sys.modules[name] = modules[0]  # the import machinery hands out what stands here
            return

        def __getattr__(attribute: str) -> Any:
            for home in modules:
                if hasattr(home, attribute):
                    return getattr(home, attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        module.__dict__["__getattr__"] = __getattr__
