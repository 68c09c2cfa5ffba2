"""Files of signatures: where they are, and their texts. Reading only; what they say is for `detection.sigyaml`.

Invariants: the order is fixed (as given, folders sorted by name), every problem is a ConfigError that names the
file, and no file larger than `FILE_BYTES` is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from revproxy.config.shipped import shipped_signatures
from revproxy.errors import ConfigError, Location

__all__ = ["FILE_BYTES", "SUFFIXES", "read_signature_files", "shipped_signatures", "signature_files"]

FILE_BYTES = 4 * 1024 * 1024
SUFFIXES = (".yaml", ".yml")
Read = Callable[[str], bytes]
"""The contents of a file; raises OSError. It may stop once there is more than `FILE_BYTES`."""


def _read_bytes(name: str) -> bytes:
    with open(name, "rb") as stream:
        return stream.read(FILE_BYTES + 1)


def read_signature_files(paths: Iterable[str | Path], read: Read = _read_bytes) -> list[tuple[str, str]]:
    """(file name, text) of every file named, and of every .yaml file in and below every folder named.

    `read` gives the contents of a file. Raises ConfigError for a path that is not there, an empty folder, or a file
    that is too large or not UTF-8.
    """
    return [(str(file), _text(file, read)) for path in paths for file in signature_files(Path(path))]


def signature_files(path: Path) -> list[Path]:
    """The files that a path stands for, in order. Raises ConfigError for a folder without any, and for what is
    neither: opening a FIFO that nobody writes would wait for ever."""
    if not path.is_dir():
        if os.path.exists(path) and not path.is_file():
            raise ConfigError("neither a file nor a folder", Location(str(path)))
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    if not found:
        raise ConfigError("there is no .yaml file in this folder", Location(str(path)))
    return found


def _text(file: Path, read: Read) -> str:
    try:
        data = read(str(file))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", Location(str(file)))
    if len(data) > FILE_BYTES:
        raise ConfigError(f"larger than {FILE_BYTES} bytes", Location(str(file)))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("not UTF-8", Location(str(file), line))
