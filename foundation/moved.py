"""Old addresses: modules that moved are served from where they are now, with one warning that says where."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def serve_moved(package: str, moved: Mapping[str, str], *, kept: Mapping[str, str] | None = None) -> None:
    """Let the modules that a package had be imported by their old names.

    Args:
        package: its `__name__`.
        moved: name of a module that the package had to the module that holds its contents now, or to several,
            separated by blanks. The first import warns.
        kept: likewise, for addresses that stay public, without a warning; their submodules follow them.
    """
    table = {f"{package}.{name}": (new.split(), True) for name, new in moved.items()}
    table |= {f"{package}.{name}": (new.split(), False) for name, new in (kept or {}).items()}
    # In front, because the path finder would find the submodules of an address that stays, and load them a second time.
    sys.meta_path.insert(0, _Moved(table))


class _Moved(MetaPathFinder, Loader):
    """Finds the addresses of one package's table; every other name is left to the ordinary finders."""

    def __init__(self, table: Mapping[str, tuple[list[str], bool]]) -> None:
        self._table = table

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if self._homes(fullname) else None

    def _homes(self, name: str) -> list[str]:
        """Return where the contents of an address are; none where it is not an old address."""
        if name in self._table:
            return self._table[name][0]
        parent, _, rest = name.rpartition(".")
        homes, warned = self._table.get(parent, ([], True))
        return [f"{home}.{rest}" for home in homes] if not warned else []

    def create_module(self, _spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        homes = self._homes(name)
        if self._table.get(name, ([], False))[1]:
            places = " and ".join(homes)
            warnings.warn(f"{name} moved to {places}; the old address will go", FutureWarning, stacklevel=2)
        modules = [import_module(home) for home in homes]
        if len(modules) == 1:
            sys.modules[name] = modules[0]  # the import machinery hands out what stands here
            return
        for home in reversed(modules):  # of two of one name the first home's stays
            public = {key: value for key, value in vars(home).items() if not key.startswith("_")}
            module.__dict__.update(public)
