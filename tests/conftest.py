"""What every room may use: databases of the shipped signatures, compiled once on a machine and then fetched."""

from __future__ import annotations

import contextlib

# Before anything that loads Hyperscan: beside a Hyperscan that came first, libmodsecurity ends the process at times.
with contextlib.suppress(ImportError):
    import libmodsecurity  # noqa: F401

import os
from pathlib import Path

import pytest

from revproxy.app.store import FolderStore

PACKAGE = Path(__file__).resolve().parent.parent / "revproxy"


def pytest_configure() -> None:
    """Modules that were compiled in place stand before their source: they must not be older."""
    for module in PACKAGE.rglob("*.so"):
        source = module.with_name(module.name.partition(".")[0] + ".py")
        if source.exists() and source.stat().st_mtime > module.stat().st_mtime:
            pytest.exit(f"{source} is newer than {module.name}: `make compiled`, or `make interpreted`", 2)


@pytest.fixture(scope="session")
def compiled() -> FolderStore:
    """The store for `link(rules, compiled)`, in the folder that `revproxy inspect` and the end-to-end tests use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return FolderStore(str(cache / "revproxy"))
