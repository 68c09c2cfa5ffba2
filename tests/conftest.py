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


@pytest.fixture(scope="session")
def compiled() -> FolderStore:
    """The store for `link(rules, compiled)`, in the folder that `revproxy inspect` and the end-to-end tests use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return FolderStore(str(cache / "revproxy"))
