"""The short way to google-re2 says what its own `search` says, and there is another one."""

from __future__ import annotations

import re2
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.linear import found, spans

_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
PROGRAM = re2.compile(rb"(a)\xff+(z)?|^b$|\0(c)", _OPTIONS)


class Elsewhere:
    """A release of the library that keeps its inside elsewhere."""

    def search(self, value: bytes) -> object:
        return PROGRAM.search(value)


@given(st.lists(st.sampled_from([b"a", b"\xff", b"b", b"\0", b"c", b"\n", b"zz"]), max_size=8).map(b"".join))
def test_both_ways_agree_with_the_library(value: bytes) -> None:
    wanted = PROGRAM.search(value) is not None
    assert found(PROGRAM)(value) is wanted
    assert found(Elsewhere())(value) is wanted


@given(st.lists(st.sampled_from([b"a", b"\xff", b"b", b"\0", b"c", b"\n", b"zz"]), max_size=8).map(b"".join))
def test_where_it_is(value: bytes) -> None:
    match = PROGRAM.search(value)
    wanted = None if match is None else [match.span(number) for number in range(4)]
    assert spans(PROGRAM)(value) == wanted
    assert spans(Elsewhere())(value) == wanted
