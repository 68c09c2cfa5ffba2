"""Bodies read as what they look like."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.guess import GuessingReader, may_have_structure, read_as_it_looks, text_like
from revproxy.errors import LimitError
from revproxy.model import ContentLimits


def told(recorder, data: bytes, limits: ContentLimits | None = None) -> list[tuple[object, ...]]:
    sink = recorder()
    read_as_it_looks(data, limits or ContentLimits(), sink)
    return sink.told


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", False),
        (b"a=1", True),
        ("täglich".encode(), True),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), False),
        (bytes(5000) + b"a=1&" * 2000, True),
        (b"a=1&" * 2000 + bytes(5000), True),
        (random.Random(1).randbytes(9000), False),
    ],
)
def test_what_looks_like_text(data: bytes, wanted: bool) -> None:
    assert text_like(data) is wanted


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"a=1&b=%41+c", [("derived", b"a", b"1"), ("derived", b"b", b"A c")]),
        (b"\r\n a=1", [("derived", b"\r\n a", b"1")]),
        (b"=x", [("derived", b"", b"x")]),
        (b'{"a":"\\u0041"}', [("derived", b"json.a", b"A")]),
        (b'\xef\xbb\xbf {"a":1,"a":2}', [("derived", b"json.a", b"1"), ("derived", b"json.a", b"2")]),
        (b"<a b='1'>t</a>", [("xml_namespace", b"1"), ("xml_text", b"t")]),
        (b"<a><b>t</b>]</x>", [("xml_text", b"t")]),
        (b"just words, and one = later", []),
        (b" " * 1000 + b'{"a":"\\u0041"}', [("derived", b"json.a", b"A")]),
        (b"{no", []),
        (b"", []),
    ],
)
def test_it_is_read_as_it_looks(recorder, data: bytes, wanted: list[tuple[object, ...]]) -> None:
    assert told(recorder, data) == wanted


def test_a_text_of_ampersands_is_no_form(recorder) -> None:
    assert told(recorder, b"a=1&b=2&c=3", ContentLimits(arguments=2)) == []
    with pytest.raises(LimitError):
        told(recorder, b"[1,2,3]", ContentLimits(arguments=2))


@pytest.mark.parametrize("data", [b"", b" \n", b" [", b"{", b"\xef\xbb\xbf<a"])
def test_what_may_have_structure(data: bytes) -> None:
    assert may_have_structure(data)
    assert not may_have_structure(b"x" + data)


def test_nothing_is_guessed_where_nobody_wants_it(recorder) -> None:
    sink = recorder()
    sink.derives = False
    reader = GuessingReader(ContentLimits(), sink)
    reader.feed(b"a=1")
    reader.finish()
    assert sink.told == [("window", b"", b"a=1")]


def test_binary_is_windows_only(recorder) -> None:
    sink = recorder()
    reader = GuessingReader(ContentLimits(), sink)
    body = b"a=1\x00\x01\x02\x03"
    reader.feed(body)
    reader.finish()
    assert sink.told == [("window", b"", body)]
    assert reader.unread() == b""


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_over_a_limit(recorder, data: bytes) -> None:
    try:
        told(recorder, data, ContentLimits(arguments=5))
    except LimitError:
        pass
