"""Archives inside bodies and messages: names and contents of what is in them, nested ones too, under bounds.

Invariants: never more than `archive_entries` names, `archive_bytes` of contents, `archive_depth` levels and
`inflate_ratio` bytes out for one in; whatever could not be read is a flag, never an error, and what was found until
then is there. A zip is one wherever its directory is found at the end, since programs read it from there; what local
headers say and the directory does not is listed too, and flagged, for others read it from the front.
What does not belong here: what to think of a name or a flag (signatures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from revproxy.content.deflated import Inflation
from revproxy.content.magic import UNREADABLE_ARCHIVES, magic
from revproxy.content.tarball import read_tar
from revproxy.content.ziparchive import has_directory, read_zip
from revproxy.model import ContentLimits

FLAGS = frozenset(
    {b"encrypted", b"too_deep", b"too_many", b"bomb", b"malformed", b"mismatch", b"unreadable", b"multi_disk"}
)


@dataclass(slots=True)
class Archive:
    """Names are as in the archive, those of a nested one after its own and a `/`; `contents` are of files only."""

    names: list[bytes] = field(default_factory=list)
    contents: list[tuple[bytes, bytes]] = field(default_factory=list)
    flags: set[bytes] = field(default_factory=set)


def names_and_contents(data: bytes, limits: ContentLimits) -> Archive:
    """What is in this content if it is an archive; an empty answer if it is none. Never raises."""
    return _Reading(limits).read(data)


class _Reading:
    """One walk through nested archives with what is left of the limits."""

    def __init__(self, limits: ContentLimits) -> None:
        self._limits = limits
        self._archive = Archive()
        self._inflation = Inflation(limits.archive_bytes, limits.inflate_ratio, self._archive.flags)

    def read(self, data: bytes) -> Archive:
        self._level(data, b"", 0)
        return self._archive

    def _level(self, data: bytes, path: bytes, depth: int) -> bool:
        """Whether the content is an archive."""
        kind = _kind(data)
        reader = _READERS.get(kind)
        if reader is None:
            if kind in UNREADABLE_ARCHIVES:
                self._archive.flags.add(b"unreadable")
            return False
        if depth >= self._limits.archive_depth:
            self._archive.flags.add(b"too_deep")
            return False
        for name, content in reader(data, self._inflation):
            if len(self._archive.names) >= self._limits.archive_entries:
                self._archive.flags.add(b"too_many")
                break
            full = path + name
            self._archive.names.append(full)
            if content and not self._level(content, full + b"/" if name else full, depth + 1):
                self._archive.contents.append((full, content))
        return True


def _kind(data: bytes) -> bytes:
    kind = magic(data)
    return kind if kind in _READERS or not has_directory(data) else b"zip"


def _read_gzip(data: bytes, inflation: Inflation) -> Iterator[tuple[bytes, bytes]]:
    name = b""
    # RFC 1952, 2.3: flag 8 says that a name follows the fixed ten bytes (flag 4, extra fields, is rare with it).
    if len(data) > 10 and data[3] & 0x0C == 0x08:
        name = data[10:1034].partition(b"\0")[0]
    yield name, inflation.gzip(data)


_READERS: dict[bytes, Callable[[bytes, Inflation], Iterator[tuple[bytes, bytes]]]] = {
    b"zip": read_zip,
    b"gzip": _read_gzip,
    b"bzip2": lambda data, inflation: iter(((b"", inflation.bzip2(data)),)),
    b"xz": lambda data, inflation: iter(((b"", inflation.xz(data)),)),
    b"tar": read_tar,
}
