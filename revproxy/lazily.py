"""Names of a package that are loaded when they are asked for: who needs one of them does not wait for the others.

A start is mostly imports: of the supervisor, of the broker, of a worker, and each of them needs another part of the
rooms. A package that uses this lists its names in `__all__` and in the table that it gives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def loader(package: str, places: Mapping[str, Collection[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package; `places` has the names of each of its modules.

    No name may be that of a module of the package: once that is imported it would be found in its place.
    """
    where = {name: module for module, names in places.items() for name in names}

    def load(name: str) -> Any:
        """Raises AttributeError."""
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{where[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
