"""What a rule set was made of, so that it can be told later whether anything of it has changed.

Files count by what is in them: a file of the same size and time can hold something else. A pattern for files counts
by the names that fit it. Nothing else goes in, and whoever reads rules reads them through a `Witness`.
"""

from __future__ import annotations

import glob
import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import revproxy

FILE_BYTES = 16 * 1024 * 1024
"""Largest file of rules or data."""
_LIBRARIES = ("hyperscan", "google-re2", "pyyaml")
_ROOMS = ("app", "codecs", "config", "content", "detection", "inspection", "model", "errors.py")
"""The parts of this program that decide what rules become."""
_CPU_BYTES = 16 * 1024


def read_bytes(name: str) -> bytes:
    """A file of at most `FILE_BYTES`. Raises OSError."""
    with open(name, "rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise OSError(0, f"larger than {FILE_BYTES} bytes")
    return data


@dataclass(frozen=True, slots=True)
class Inputs:
    """Hashes of files by name, "" for one that could not be read, and the names that fitted each pattern."""

    files: Mapping[str, str]
    patterns: Mapping[str, list[str]]

    def hold(self) -> bool:
        """Whether everything is still as it was."""
        return all(digest_of(name) == known for name, known in self.files.items()) and all(
            sorted(glob.glob(pattern)) == known for pattern, known in self.patterns.items()
        )

    def text(self) -> str:
        """For `inputs_of`."""
        return json.dumps({"files": dict(self.files), "patterns": dict(self.patterns)}, sort_keys=True)


def inputs_of(text: str) -> Inputs | None:
    """What `text` was made of; None for anything else."""
    try:
        found = json.loads(text)
        return Inputs(dict(found["files"]), dict(found["patterns"]))
    except (ValueError, LookupError, TypeError):
        return None


class Witness:
    """Reads, and remembers what it read."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._patterns: dict[str, list[str]] = {}

    def read(self, name: str) -> bytes:
        """The contents of a file. Raises OSError."""
        self._files[name] = ""
        data = read_bytes(name)
        self._files[name] = hashlib.sha256(data).hexdigest()
        return data

    def glob(self, pattern: str) -> list[str]:
        """The paths that fit a pattern, in order."""
        found = self._patterns[pattern] = sorted(glob.glob(pattern))
        return found

    def inputs(self) -> Inputs:
        """Everything so far."""
        return Inputs(dict(self._files), dict(self._patterns))


def digest_of(name: str) -> str:
    """A hash of a file's contents; "" for one that cannot be read."""
    try:
        return hashlib.sha256(read_bytes(name)).hexdigest()
    except OSError:
        return ""


@cache
def surroundings() -> str:
    """What else decides about the result: this program, its libraries, Python and the processor."""
    digest = hashlib.sha256()
    for part in (sys.version, platform.machine(), _processor(), *map(_version, _LIBRARIES)):
        digest.update(f"{part}\n".encode())
    root = Path(revproxy.__file__).parent
    for file in sorted(file for room in _ROOMS for file in _files(root / room)):
        digest.update(f"{file.relative_to(root)}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [file for file in place.rglob("*") if file.is_file() and file.suffix not in (".pyc", ".pyo")]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """What the processor can do, for databases are compiled for that; "" where the system does not say."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = file.read(_CPU_BYTES).splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
