"""Archives in archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.archive import FLAGS, names_and_contents
from revproxy.model import ContentLimits

LIMITS = ContentLimits()


def make_zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_a_plain_content_is_no_archive() -> None:
    for data in (b"", b"hello", b"MZ", b"\x89PNG\r\n\x1a\n"):
        got = names_and_contents(data, LIMITS)
        assert (got.names, got.contents, got.flags) == ([], [], set())


def test_names_and_contents() -> None:
    got = names_and_contents(make_zip({"a.txt": b"x", "word/vbaProject.bin": b"\xd0\xcf"}), LIMITS)
    assert got.names == [b"a.txt", b"word/vbaProject.bin"]
    assert got.contents == [(b"a.txt", b"x"), (b"word/vbaProject.bin", b"\xd0\xcf")]
    assert got.flags == set()


def test_nested_ones_are_opened() -> None:
    data = make_zip({"in.tar.gz": gzip.compress(make_tar("evil.exe", b"MZ"))})
    got = names_and_contents(data, LIMITS)
    assert got.names == [b"in.tar.gz", b"in.tar.gz/", b"in.tar.gz/evil.exe"]
    assert got.contents == [(b"in.tar.gz/evil.exe", b"MZ")]


def test_a_gzip_tells_its_name() -> None:
    out = io.BytesIO()
    with gzip.GzipFile("evil.js", "wb", fileobj=out) as archive:
        archive.write(b"x")
    got = names_and_contents(out.getvalue(), LIMITS)
    assert got.contents == [(b"evil.js", b"x")]


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_bzip2_and_xz_are_opened(pack: Callable[[bytes], bytes]) -> None:
    got = names_and_contents(pack(b"hello"), LIMITS)
    assert (got.names, got.contents, got.flags) == ([b""], [(b"", b"hello")], set())
    tarred = names_and_contents(pack(make_tar("evil.exe", b"MZ")), LIMITS)
    assert tarred.contents == [(b"evil.exe", b"MZ")]
    assert names_and_contents(pack(b"a") + pack(b"b"), LIMITS).contents == [(b"", b"ab")]
    junk = names_and_contents(pack(b"a") + b"junk", LIMITS)
    assert (junk.contents, junk.flags) == ([(b"", b"a")], {b"malformed"})
    bomb = names_and_contents(pack(bytes(50_000_000)), LIMITS)
    assert b"bomb" in bomb.flags
    assert len(bomb.contents[0][1]) < 10_000_000


def test_a_polyglot_is_opened_from_its_end() -> None:
    got = names_and_contents(b"GIF89a" + make_zip({"a.exe": b"MZ"}), LIMITS)
    assert got.names == [b"a.exe"]


def test_depth_and_number_are_bounded() -> None:
    data = make_zip({"x": b"x"})
    for _ in range(4):
        data = make_zip({"n.zip": data})
    got = names_and_contents(data, LIMITS)
    assert got.names == [b"n.zip", b"n.zip/n.zip", b"n.zip/n.zip/n.zip"]
    assert got.flags == {b"too_deep"}
    many = names_and_contents(make_zip({str(n): b"" for n in range(20)}), ContentLimits(archive_entries=10))
    assert len(many.names) == 10
    assert many.flags == {b"too_many"}


def test_bombs_are_cut() -> None:
    bomb = make_zip({"zeros": bytes(50_000_000)})
    got = names_and_contents(bomb, LIMITS)
    assert got.flags == {b"bomb", b"malformed"}
    assert len(got.contents[0][1]) < 10_000_000
    nested = make_zip({f"{n}.zip": bomb for n in range(20)})
    got = names_and_contents(nested, ContentLimits(archive_bytes=1_000_000))
    assert sum(len(c) for _, c in got.contents) <= 1_000_000


@pytest.mark.parametrize("start", [b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c", b"MSCF", b"BZh9", b"\xfd7zXZ\x00"])
def test_what_we_cannot_open_is_flagged(start: bytes) -> None:
    assert names_and_contents(start + bytes(50), LIMITS).flags == {b"unreadable"}
    assert names_and_contents(make_zip({"a": start + bytes(50)}), LIMITS).flags == {b"unreadable"}


@pytest.mark.parametrize(
    "unit",
    [
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"\x1f\x8b\x08\x00",
        b"PK\x03\x04" + b"\x00\x00\x08\x00" * 8,
        b"PK\x03\x04" + b"\x00\x00\x0c\x00" * 8 + b"BZh9",
        b"PK\x03\x04" + b"\x00\x00\x0e\x00" * 8 + b"\x09\x14\x05\x00\x5d\x00\x00\x80\x00",
        b"BZh9",
        bz2.compress(b""),
        lzma.compress(b""),
    ],
)
def test_thirty_megabytes_of_anything_end_soon(unit: bytes) -> None:
    data = unit * (30_000_000 // len(unit))
    before = time.process_time()
    names_and_contents(data, LIMITS)
    assert time.process_time() - before < 3.0


@given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08\x00", bytes(257) + b"ustar\x00", b""]))
def test_never_raises(junk: bytes, start: bytes) -> None:
    for data in (start + junk, junk + make_zip({"a": b"b"})):
        assert names_and_contents(data, LIMITS).flags <= FLAGS
