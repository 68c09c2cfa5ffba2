"""What a content's first bytes say it is, whatever its name and declared type say.

A table of ours, in order: the first row that fits wins. Nothing is parsed. An answer of b"" says nothing at all.
"""

from __future__ import annotations

_SCAN = 1024
"""A PDF may begin so late (ISO 32000-1, Annex H.3.4.1); white space may stand before markup."""

_TABLE: tuple[tuple[int, bytes, bytes], ...] = (
    # offset, bytes, answer
    (0, b"MZ", b"pe"),
    (0, b"\x7fELF", b"elf"),
    (0, b"\xfe\xed\xfa\xce", b"macho"),
    (0, b"\xfe\xed\xfa\xcf", b"macho"),
    (0, b"\xce\xfa\xed\xfe", b"macho"),
    (0, b"\xcf\xfa\xed\xfe", b"macho"),
    (0, b"\xca\xfe\xba\xbe", b"class"),
    (0, b"\x00asm", b"wasm"),
    (0, b"PK\x03\x04", b"zip"),
    (0, b"PK\x05\x06", b"zip"),
    (0, b"PK\x07\x08", b"zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"ole"),
    (0, b"\x4c\x00\x00\x00\x01\x14\x02\x00", b"lnk"),
    (0, b"Rar!\x1a\x07", b"rar"),
    (0, b"7z\xbc\xaf\x27\x1c", b"7z"),
    (0, b"MSCF", b"cab"),
    (0, b"\x1f\x8b", b"gzip"),
    (0, b"BZh", b"bzip2"),
    (0, b"\xfd7zXZ\x00", b"xz"),
    (0, b"\x28\xb5\x2f\xfd", b"zstd"),
    (0, b"\x60\xea", b"arj"),
    (7, b"**ACE**", b"ace"),
    (2, b"-lh", b"lzh"),
    (257, b"ustar", b"tar"),
    (0x8001, b"CD001", b"iso"),
    (0, b"{\\rt", b"rtf"),
    (0, b"ITSF", b"chm"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", b"onenote"),
    (0, b"vhdxfile", b"vhd"),
    (0, b"conectix", b"vhd"),
    (0, b"\xac\xed\x00\x05", b"java-object"),
    (0, b"#!", b"script"),
    (0, b"FWS", b"swf"),
    (0, b"CWS", b"swf"),
    (0, b"\x89PNG\r\n\x1a\n", b"png"),
    (0, b"GIF8", b"gif"),
    (0, b"\xff\xd8\xff", b"jpeg"),
    (0, b"RIFF", b"riff"),
    (4, b"ftyp", b"mp4"),
    (0, b"ID3", b"mp3"),
)
_MARKUP: tuple[tuple[bytes, bytes], ...] = (
    (b"<?php", b"php"),
    (b"<?=", b"php"),
    (b"<%", b"asp"),
    (b"<?xml", b"xml"),
    (b"<svg", b"svg"),
    (b"<!doctype html", b"html"),
    (b"<html", b"html"),
    (b"<script", b"html"),
)
READABLE_ARCHIVES = frozenset({b"zip", b"gzip", b"tar", b"bzip2", b"xz"})
"""What `content.archive` takes apart."""
UNREADABLE_ARCHIVES = frozenset({b"rar", b"7z", b"cab", b"iso", b"zstd", b"arj", b"ace", b"lzh", b"vhd"})
"""Archives and images that we know and cannot look into."""


def magic(data: bytes) -> bytes:
    """A short word ("pe", "elf", "zip", "pdf", "ole", ...), or b"". Looks at no more than the first 33 KiB."""
    for offset, start, answer in _TABLE:
        if data.startswith(start, offset):
            return answer
    if b"%PDF-" in data[: _SCAN + 5]:
        return b"pdf"
    text = data[:_SCAN].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    for start, answer in _MARKUP:
        if text.startswith(start):
            return answer
    return b""
