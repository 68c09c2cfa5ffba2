"""zip archives (APPNOTE 6.3), read from both ends: the central directory, and local headers that it leaves out.

Invariants: every name that either says is listed; a difference flags `mismatch`. Sizes are believed for finding data,
never for allocating. Methods but stored, deflate, bzip2 and LZMA flag `unreadable`; encrypted members have a name and
no content.
Directories over 4 GiB do not occur in what we hold in memory, so of ZIP64 only the markers are known (`malformed`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from revproxy.content.deflated import Inflation

_END, _CENTRAL, _LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_END_FORMAT = struct.Struct("<4xHHHHIIH")
_CENTRAL_FORMAT = struct.Struct("<4xHHHHHHIIIHHHHHII")
_LOCAL_FORMAT = struct.Struct("<4xHHHHHIIIHH")
_EXTRA_FORMAT = struct.Struct("<HH")
_UNICODE_PATH = 0x7075
_TAIL = 65_557
"""The end record and the longest comment after it."""
_ENCRYPTED, _SIZES_FOLLOW = 0x0001, 0x0008
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_LZMA_ENDS = 0x0002
"""Of LZMA: a mark stands at the end of the data."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One member. `packed` is its compressed length; None when only a data descriptor after it tells."""

    names: tuple[bytes, ...]
    flags: int
    method: int
    packed: int | None
    start: int
    """where its local header is"""
    data_at: int


def has_directory(data: bytes) -> bool:
    """Whether the content ends with the end record of a zip, as self-extracting and polyglot files do."""
    return data.rfind(_END, max(0, len(data) - _TAIL)) >= 0


def read_zip(data: bytes, inflation: Inflation) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each member; a member with two names comes twice. Never raises."""
    ends: dict[int, int] = {}
    for entry in _central(data, inflation):
        ends[entry.start] = entry.data_at + (entry.packed or 0)
        yield from _tell(entry, data, inflation)
    at = data.find(_LOCAL)
    while at >= 0:
        end = ends.get(at)
        if end is None:
            inflation.flags.add(b"mismatch")
            local = _local(data, at)
            if local is not None:
                yield from _tell(local, data, inflation)
            end = at + 4 if local is None else local.data_at + (local.packed or 0)
        at = data.find(_LOCAL, max(end, at + 4))


def _central(data: bytes, inflation: Inflation) -> Iterator[_Entry]:
    end = data.rfind(_END, max(0, len(data) - _TAIL))
    if end < 0 or end + _END_FORMAT.size > len(data):
        inflation.flags.add(b"malformed")
        return
    disk, _, _, count, size, offset, _ = _END_FORMAT.unpack_from(data, end)
    if disk:
        inflation.flags.add(b"multi_disk")
    # Bytes before the archive (a stub that extracts it) move everything by so much.
    shift = end - size - offset
    if shift < 0:
        inflation.flags.add(b"malformed")
        shift = 0
    at = offset + shift
    for _ in range(count):
        if data[at : at + 4] != _CENTRAL or at + _CENTRAL_FORMAT.size > len(data):
            inflation.flags.add(b"malformed")
            return
        entry, at = _central_entry(data, at, shift, inflation)
        yield entry
    if data[at : at + 4] == _CENTRAL:
        inflation.flags.add(b"mismatch")


def _central_entry(data: bytes, at: int, shift: int, inflation: Inflation) -> tuple[_Entry, int]:
    fields = _CENTRAL_FORMAT.unpack_from(data, at)
    flags, method, packed, lengths, offset = fields[2], fields[3], fields[7], fields[9:12], fields[15]
    name_at = at + _CENTRAL_FORMAT.size
    extra_at = name_at + lengths[0]
    names = [data[name_at:extra_at], *_unicode_names(data[extra_at : extra_at + lengths[1]])]
    after = name_at + sum(lengths)
    local = _local(data, offset + shift)
    if local is None:
        inflation.flags.add(b"malformed")
        return _Entry(tuple(names), flags, method, 0, offset + shift, len(data)), after
    sizes = local.packed is not None and local.packed != packed
    if local.names[0] != names[0] or local.method != method or sizes or (local.flags ^ flags) & _ENCRYPTED:
        inflation.flags.add(b"mismatch")
    every = tuple(dict.fromkeys([*names, *local.names]))
    return _Entry(every, flags | local.flags, method, packed, local.start, local.data_at), after


def _local(data: bytes, at: int) -> _Entry | None:
    if data[at : at + 4] != _LOCAL or at + _LOCAL_FORMAT.size > len(data):
        return None
    _, flags, method, _, _, _, packed, _, name_length, extra_length = _LOCAL_FORMAT.unpack_from(data, at)
    name_at = at + _LOCAL_FORMAT.size
    extra_at = name_at + name_length
    names = (data[name_at:extra_at], *_unicode_names(data[extra_at : extra_at + extra_length]))
    known = None if flags & _SIZES_FOLLOW else packed
    return _Entry(names, flags, method, known, at, extra_at + extra_length)


def _unicode_names(extra: bytes) -> list[bytes]:
    names, at = [], 0
    while at + _EXTRA_FORMAT.size <= len(extra):
        kind, size = _EXTRA_FORMAT.unpack_from(extra, at)
        at += _EXTRA_FORMAT.size
        if kind == _UNICODE_PATH and size > 5:
            names.append(extra[at + 5 : at + size])
        at += size
    return names


def _tell(entry: _Entry, data: bytes, inflation: Inflation) -> Iterator[tuple[bytes, bytes]]:
    content = _content(entry, data, inflation)
    for number, name in enumerate(dict.fromkeys(entry.names)):
        yield name, content if not number else b""


def _content(entry: _Entry, data: bytes, inflation: Inflation) -> bytes:
    if entry.flags & _ENCRYPTED:
        inflation.flags.add(b"encrypted")
        return b""
    known = entry.packed is not None
    # A view: entries may claim the whole rest of the archive, a thousand of them.
    packed = memoryview(data)[entry.data_at : entry.data_at + (entry.packed or 0) if known else None]
    if known and len(packed) != entry.packed:
        inflation.flags.add(b"malformed")
    if entry.method == _STORED:
        return inflation.stored(packed)
    if entry.method == _DEFLATED:
        return inflation.deflated(packed, known)
    if entry.method == _BZIP2:
        return inflation.bzipped(packed, known)
    if entry.method == _LZMA:
        return inflation.lzma(packed, bool(entry.flags & _LZMA_ENDS), known)
    inflation.flags.add(b"unreadable")
    return b""
