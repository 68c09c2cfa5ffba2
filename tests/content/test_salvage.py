"""What is made of a body that broke."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.body import Kind
from revproxy.content.salvage import salvage
from revproxy.errors import LimitError
from revproxy.model import ContentLimits

CASES = [
    (Kind.XML, b"<a>b", [("argument", b"", b"<a>b")]),
    (Kind.XML, b"\xef\xbb\xbf <a", [("argument", b"", b"\xef\xbb\xbf <a")]),
    (Kind.XML, b"a<b", []),
    (Kind.RAW, b"a=b", []),
    (Kind.JSON, b'%PDF-1.7 "a"', []),
    (Kind.NONE, b"", []),
    (Kind.URLENCODED, b"a=%41&b", [("argument", b"", b"a=%41&b"), ("argument", b"a", b"A"), ("argument", b"b", b"")]),
    (Kind.JSON, b"[" + bytes(9) + b'{"a":"b"', [("argument", b"json", b"a"), ("argument", b"json", b"b")]),
    (Kind.JSON, b"[" + bytes(9) + b'"\\u0041\\n\\""', [("argument", b"json", b'A\n"')]),
    (Kind.JSON, b"[" + bytes(9) + b'"\\ud83d"', [("argument", b"json", b"\xed\xa0\xbd")]),
    (Kind.JSON, b"[" + bytes(9) + b'"a\\x', [("argument", b"json", b"a\\x")]),
    (Kind.JSON, b"[" + bytes(9) + b'"\xff\\u0041"', [("argument", b"json", b"\xff\\u0041")]),
    (Kind.MULTIPART, bytes(99) + b'filename="a.php"', [("part", b"", b"a.php"), ("file", b"", b"a.php", b"")]),
    (Kind.MULTIPART, bytes(99) + b"FileName=a.php. ;", [("part", b"", b"a.php. "), ("file", b"", b"a.php", b"")]),
    (Kind.MULTIPART, bytes(99) + b'filename*= "x\ny', [("part", b"", b"x"), ("file", b"", b"x", b"")]),
]


@pytest.mark.parametrize(("kind", "data", "told"), CASES)
def test_told(recorder, kind: Kind, data: bytes, told: list[tuple[object, ...]]) -> None:
    sink = recorder()
    salvage(kind, data, ContentLimits(), sink)
    assert sink.told == told


@pytest.mark.parametrize(
    ("kind", "data", "limit"),
    [
        (Kind.URLENCODED, b"a&" * 9, "arguments"),
        (Kind.JSON, b'"a"' * 9, "arguments"),
        (Kind.MULTIPART, b"filename=a;" * 9, "parts"),
    ],
)
def test_limits(recorder, kind: Kind, data: bytes, limit: str) -> None:
    with pytest.raises(LimitError, match=limit):
        salvage(kind, data, ContentLimits(arguments=4, parts=4), recorder())


@given(st.sampled_from(Kind), st.binary(max_size=60) | st.text('"\\u0d8filename=*', max_size=60).map(str.encode))
def test_whatever_comes_in(recorder, kind: Kind, data: bytes) -> None:
    salvage(kind, data, ContentLimits(), recorder())


HEAD = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (HEAD + b"\nA: b\n\nC: d", [HEAD, b"A: b"]),
        (HEAD.lower() + b"\r\n\x0eA: b\r\n\r\n", [HEAD.lower(), b"\x0eA: b"]),
        (b"v: w\n--b\nA: b\n\n--b--", [b"A: b"]),
        (b"v\r\n--b\r\nA: b\r\n\r\nv\r\n--b\r\nC: d", [b"A: b", b"C: d"]),
        (b"v: w", []),
        (b"v\n--", []),
    ],
)
def test_heads_of_parts(recorder, data: bytes, lines: list[bytes]) -> None:
    sink = recorder()
    salvage(Kind.MULTIPART, data, ContentLimits(), sink)
    assert sink.of("part_header") == [(b"", line) for line in lines]


def test_there_are_no_more_heads_than_parts(recorder) -> None:
    limits = ContentLimits(parts=3, part_head_bytes=6)
    sink = recorder()
    salvage(Kind.MULTIPART, b"x" + b"\n--b\nA: bcdef" * 3, limits, sink)
    assert sink.of("part_header") == [(b"", b"A: bcd")] * 3
    with pytest.raises(LimitError, match="parts"):
        salvage(Kind.MULTIPART, b"x" + b"\n--b\nA: bcdef" * 4, limits, sink)


@pytest.mark.parametrize(
    "unit",
    [
        b'"',
        b"\n--",
        b"\n--b\nA: b",
        b"\n\n",
        b'\\"',
        b'"\\',
        b"\\",
        b"filename=",
        b'filename="',
        b"filename",
        b'"a',
        b"{",
    ],
)
@pytest.mark.parametrize("kind", [Kind.JSON, Kind.MULTIPART])
def test_growth_is_linear(recorder, kind: Kind, unit: bytes) -> None:
    limits = ContentLimits(arguments=1 << 20)

    def seconds(size: int) -> float:
        data = b'"' + unit * (size // len(unit))
        before = time.process_time()
        with suppress(LimitError):
            salvage(kind, data, limits, recorder())
        return time.process_time() - before

    seconds(10_000)
    # The lesser of two: a look of the interpreter at all its objects may fall into one.
    assert min(seconds(400_000), seconds(400_000)) < 0.02 + 20 * 4 * max(seconds(20_000), 0.0005)
