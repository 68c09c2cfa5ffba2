"""Unpacking what somebody offers: a tar archive, gzipped, of plain files with plain names, and nothing else.

Invariants: nothing is written outside the folder that is given, which is new; no file is opened that was there
before; no link, device, sparse file or other thing that is no plain file is made; the number of entries, the size of
each file, of all of them and of what the archive decompresses to are bounded while it is read, not after. One wrong
entry refuses all: what is signed is right as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits

_PIECE: Final = 64 * 1024
_GZIP: Final = 31
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}", re.ASCII)
_MOST_PARTS: Final = 6
_OVERHEAD: Final = 4096
"""Bytes of headers and padding for each entry; what an archive decompresses to is bounded by these and its files."""
_KINDS: Final = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
Choose = Callable[[str], str | None]
"""The name under which an entry is kept, or None for one that is not wanted."""
Files = dict[str, tuple[int, str]]
"""Size and SHA-256 by name."""


def everything(name: str) -> str | None:
    """Keep it under its own name."""
    return name


def unpack(archive: IO[bytes], into: Path, limits: SupplyLimits, choose: Choose = everything) -> Files:
    """Unpack into a folder, which is made; what was written. Raises SupplyError, and leaves what it wrote then."""
    into.mkdir(mode=0o700)
    plain = _Inflated(archive, limits.unpacked_bytes + limits.files * _OVERHEAD)
    files: Files = {}
    seen: set[str] = set()
    left = limits.unpacked_bytes
    try:
        with tarfile.open(fileobj=plain, mode="r|", bufsize=_PIECE, errorlevel=2) as tar:
            for number, entry in enumerate(tar):
                if number >= limits.files:
                    raise _wrong(f"more than {limits.files} entries")
                name = _wanted(entry, choose)
                if name is None:
                    continue
                # Names that differ in case are one file on some file systems.
                if name.lower() in seen:
                    raise _wrong(f"{name!r} stands twice")
                seen.add(name.lower())
                _small(entry, name, limits, left)
                left -= entry.size
                files[name] = _write(tar, entry, into / name)
        plain.finish()
    except (tarfile.TarError, zlib.error, EOFError, UnicodeError, ValueError, OverflowError) as error:
        raise _wrong(f"no sound tar archive: {error}") from None
    except OSError as error:
        raise _wrong(f"cannot be written: {error.strerror}") from None
    return files


def _wrong(reason: str) -> SupplyError:
    return SupplyError("unpack", reason)


def _wanted(entry: tarfile.TarInfo, choose: Choose) -> str | None:
    """The name under which it is kept. Raises SupplyError for what has no place in a set, wanted or not."""
    shown = repr(entry.name[:120])
    if entry.isdir():
        return None
    if entry.type not in tarfile.REGULAR_TYPES or entry.sparse is not None:
        raise _wrong(f"{shown} is {_KINDS.get(entry.type, 'no plain file')}")
    name = choose(entry.name)
    if name is None:
        return None
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise _wrong(f"{shown} is no name for a file of a set")
    return name


def _small(entry: tarfile.TarInfo, name: str, limits: SupplyLimits, left: int) -> None:
    if not 0 <= entry.size <= limits.file_bytes:
        raise _wrong(f"{name!r} is larger than {limits.file_bytes} bytes")
    if entry.size > left:
        raise _wrong(f"more than {limits.unpacked_bytes} bytes")


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> tuple[int, str]:
    source, digest = tar.extractfile(entry), hashlib.sha256()
    if source is None:
        raise _wrong(f"{entry.name!r} is no plain file")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with source, os.fdopen(os.open(target, flags, 0o600), "wb") as file:
        while piece := source.read(_PIECE):
            file.write(piece)
            digest.update(piece)
    return entry.size, digest.hexdigest()


class _Inflated(io.RawIOBase):
    """What a gzip file decompresses to, for reading from front to end; never more than `most` bytes."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        super().__init__()
        self._source, self._left, self._most = source, most, most
        self._inflate = zlib.decompressobj(_GZIP)
        self._pieces = self._read()

    def read(self, size: int = -1) -> bytes:
        """Some of it, whatever the `size`; nothing at the end. Raises SupplyError, zlib.error, EOFError."""
        return next(self._pieces, b"")

    def finish(self) -> None:
        """Read what stands behind the archive's end. Raises SupplyError where that is too much, or no end."""
        for _ in self._pieces:
            pass

    def _read(self) -> Iterator[bytes]:
        while not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._source.read(_PIECE)
            if not data:
                raise EOFError("it is cut short")
            piece = self._inflate.decompress(data, _PIECE)
            self._left -= len(piece)
            if self._left < 0:
                raise _wrong(f"it decompresses to more than {self._most} bytes")
            if piece:
                yield piece
        if self._inflate.unused_data or self._source.read(1):
            raise _wrong("something stands behind the end of the archive")


def cleared(folder: Path) -> None:
    """Remove a folder that was being unpacked into; no link is followed, in it or in its place."""
    if os.path.islink(folder):
        os.unlink(folder)
        return
    for root, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(root, name))
        for name in folders:
            path = os.path.join(root, name)
            (os.unlink if os.path.islink(path) else os.rmdir)(path)
    with suppress(FileNotFoundError):
        os.rmdir(folder)
