"""tar archives."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.deflated import Inflation
from revproxy.content.tarball import read_tar


def tar(members: dict[str, bytes], how: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=how) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def members(data: bytes, most: int = 1_000_000) -> tuple[list[tuple[bytes, bytes]], set[bytes]]:
    inflation = Inflation(most, 100, set())
    return list(read_tar(data, inflation)), inflation.flags


@pytest.mark.parametrize("how", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_and_contents(how: int) -> None:
    long = "d" * 90 + "/" + "f" * 90
    data = tar({"a.txt": b"hello", long: b"x" * 600, "empty": b""}, how)
    assert members(data) == ([(b"a.txt", b"hello"), (long.encode(), b"x" * 600), (b"empty", b"")], set())


def test_names_beyond_ascii() -> None:
    assert members(tar({"é.exe": b"x"}))[0] == [("é.exe".encode(), b"x")]


def test_a_cut_archive_is_malformed() -> None:
    got, flags = members(tar({"a": b"x" * 600, "b": b"y" * 600})[:2600])
    assert got == [(b"a", b"x" * 600)]
    assert flags == {b"malformed"}


def test_a_size_that_is_no_number_is_malformed() -> None:
    data = bytearray(tar({"a": b"x"}, tarfile.USTAR_FORMAT))
    for bad in (b"-1         \0", b"\x80" + b"\xff" * 11, b"99999999999\0"):
        data[124:136] = bad
        assert members(bytes(data))[1] == {b"malformed"}


def test_the_budget_holds() -> None:
    got, flags = members(tar({"a": b"x" * 600, "b": b"y" * 600}), most=700)
    assert [len(c) for _, c in got] == [600, 100]
    assert flags == {b"bomb"}


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=30))
def test_never_raises(at: int, junk: bytes) -> None:
    data = bytearray(tar({"a": b"x" * 100, "b" * 150: b"y"}))
    data[at : at + len(junk)] = junk
    members(bytes(data))
