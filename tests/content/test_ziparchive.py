"""zip archives, honest and lying."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.deflated import Inflation
from revproxy.content.ziparchive import has_directory, read_zip


def make(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def read(data: bytes, most: int = 10_000_000) -> tuple[list[tuple[bytes, bytes]], set[bytes]]:
    inflation = Inflation(most, 100, set())
    return list(read_zip(data, inflation)), inflation.flags


TWO = {"a.txt": b"hello " * 20, "b/c.exe": b"MZ" * 50}
CONTENT = bytes(range(256)) * 20
FOUND = [(n.encode(), c) for n, c in TWO.items()]


def test_names_and_contents() -> None:
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        assert read(make(TWO, method)) == (FOUND, set())
    assert read(make({})) == ([], set())


def test_streamed_archives_with_sizes_after_the_data() -> None:
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in TWO.items():
            archive.writestr(name, content)
    assert read(pipe.data) == (FOUND, set())


def test_bytes_before_and_a_comment_after() -> None:
    data = b"MZ this is a stub " * 10 + make(TWO)
    assert has_directory(data)
    assert read(data) == (FOUND, set())
    commented = make(TWO)[:-2] + struct.pack("<H", 5) + b"12345"
    assert read(commented) == (FOUND, set())


def test_other_names_in_the_local_header_are_listed() -> None:
    data = make({"good.txt": b"x"}).replace(b"good.txt", b"evil.exe", 1)
    got, flags = read(data)
    assert got == [(b"good.txt", b"x"), (b"evil.exe", b"")]
    assert flags == {b"mismatch"}


def test_a_member_that_the_directory_does_not_name_is_read() -> None:
    hidden = make({"hidden.exe": b"MZ" * 40})
    local_part = hidden[: hidden.index(b"PK\x01\x02")]
    got, flags = read(local_part + make(TWO))
    assert got == [*FOUND, (b"hidden.exe", b"MZ" * 40)]
    assert flags == {b"mismatch"}


def test_no_directory_at_all() -> None:
    data = make(TWO)
    got, flags = read(data[: data.index(b"PK\x01\x02")])
    assert got == FOUND
    assert flags == {b"malformed", b"mismatch"}


def test_a_stored_archive_inside_is_not_taken_for_members() -> None:
    inner = make(TWO)
    assert read(make({"in.zip": inner}, zipfile.ZIP_STORED)) == ([(b"in.zip", inner)], set())


def test_encrypted_and_unknown_methods() -> None:
    data = bytearray(make({"a": b"x"}))
    data[6] |= 1
    assert read(bytes(data))[1] == {b"encrypted", b"mismatch"}
    other = make({"a": b"x" * 100}).replace(b"\x08\x00", b"\x5d\x00")
    assert read(other) == ([(b"a", b"")], {b"unreadable"})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_read_within_the_same_bounds(method: int) -> None:
    assert read(make(TWO, method)) == (FOUND, set())
    got, flags = read(make({"a": bytes(50_000_000)}, method))
    assert b"bomb" in flags
    assert 0 < len(got[0][1]) < 10_000_000
    got, flags = read(make(TWO, method), most=100)
    assert sum(len(c) for _, c in got) == 100
    assert b"bomb" in flags
    broken = bytearray(make({"a": bytes(range(256)) * 20}, method))
    broken[60:90] = bytes(30)
    assert b"malformed" in read(bytes(broken))[1]


def test_lzma_without_a_mark_at_its_end() -> None:
    coder = lzma.LZMACompressor(lzma.FORMAT_ALONE)
    alone = coder.compress(CONTENT) + coder.flush()
    member = b"\x09\x14\x05\x00" + alone[:5] + alone[13:]
    inflation = Inflation(10_000_000, 100, set())
    assert inflation.lzma(member, ends=True) == CONTENT
    # The mark is in the last bytes; how much of the content is there too depends on the coder.
    got = inflation.lzma(member[:-6], ends=False)
    assert CONTENT.startswith(got)
    assert len(got) > len(CONTENT) - 300
    assert inflation.flags == set()
    for bad in (b"", member[:9], b"\x09\x14\x06\x00" + bytes(20), b"\x09\x14\x05\x00\xff" + bytes(20)):
        inflation.flags.clear()
        assert inflation.lzma(bad, ends=True) == b""
        assert inflation.flags == {b"malformed"}


def test_a_unicode_path_is_a_second_name() -> None:
    info = zipfile.ZipInfo("good.txt")
    info.extra = struct.pack("<HHBI", 0x7075, 5 + 8, 1, 0) + b"evil.exe"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, b"x")
    assert [n for n, _ in read(out.getvalue())[0]] == [b"good.txt", b"evil.exe"]


def test_members_that_share_their_data_share_the_budget() -> None:
    data = make({"a": bytes(60_000)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entry) * 1000, start, 0)
    got, flags = read(data[:start] + entry * 1000 + tail, most=1_000_000)
    assert sum(len(c) for _, c in got) == 1_000_000
    assert b"bomb" in flags


def test_a_truncated_member() -> None:
    data = bytearray(make({"a": bytes(range(256)) * 9}, zipfile.ZIP_STORED))
    at = data.index(b"PK\x01\x02") + 20
    data[at : at + 4] = struct.pack("<I", 1 << 30)
    assert read(bytes(data))[1] == {b"malformed", b"mismatch"}


@given(st.integers(0, 300), st.binary(min_size=1, max_size=20))
def test_never_raises(at: int, junk: bytes) -> None:
    data = bytearray(make(TWO))
    data[at : at + len(junk)] = junk
    read(bytes(data))


@given(st.binary(max_size=100))
def test_never_raises_on_junk(junk: bytes) -> None:
    for data in (junk, b"PK\x03\x04" + junk, junk + make({})):
        read(data)
