"""Windows over long contents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.windows import Windows
from revproxy.model import ContentLimits

SMALL = ContentLimits(window_bytes=10, window_overlap_bytes=3)


class Sink:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def window(self, name: bytes, data: bytes) -> None:
        assert name == b"n"
        self.got.append(data)


def cut(body: bytes, size: int) -> list[bytes]:
    sink = Sink()
    windows = Windows(b"n", SMALL, sink)
    for at in range(0, len(body), size):
        windows.feed(body[at : at + size])
    windows.finish()
    return sink.got


def test_windows_overlap_and_end_with_the_rest() -> None:
    assert cut(b"0123456789abcdefghij", 100) == [b"0123456789", b"789abcdefg", b"efghij"]


def test_a_full_last_window_is_not_repeated() -> None:
    assert cut(b"0123456789", 4) == [b"0123456789"]
    assert cut(b"0123456789abcdefg", 1) == [b"0123456789", b"789abcdefg"]


def test_nothing_gives_no_window() -> None:
    assert cut(b"", 1) == []


@given(st.binary(max_size=80), st.integers(1, 90))
def test_windows_do_not_depend_on_how_the_bytes_come(body: bytes, size: int) -> None:
    got = cut(body, size)
    assert got == cut(body, 1000)
    assert b"".join([got[0], *[w[3:] for w in got[1:]]] if got else []) == body
    assert all(len(w) <= 10 for w in got)


def test_an_overlap_as_large_as_the_window_still_ends() -> None:
    sink = Sink()
    windows = Windows(b"n", ContentLimits(window_bytes=4, window_overlap_bytes=4), sink)
    windows.feed(b"abcdef")
    windows.finish()
    assert sink.got == [b"abcd", b"bcde", b"cdef"]
