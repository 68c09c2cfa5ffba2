"""Writers: what they write is read as it was meant, and nothing breaks out of its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.model import HttpLimits
from revproxy.protocols.http1 import parse_response, status_line, write_request, write_response

ANY = st.binary(max_size=20)


@given(ANY, ANY, ANY, ANY)
def test_no_line_break_passes(method: bytes, target: bytes, name: bytes, value: bytes) -> None:
    try:
        head = write_request(method, target, [(name, value)])
    except ValueError:
        assert set(method + target + name + value) & set(b"\r\n\0 ")
        return
    assert head == method + b" " + target + b" HTTP/1.1\r\n" + name + b": " + value + b"\r\n\r\n"
    assert head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n") == 3


@pytest.mark.parametrize("bad", [b"a\rb", b"a\nb", b"a\0b", b"a\r\nb", b"\r\n", b"\n\r"])
def test_breaks_are_refused_everywhere(bad: bytes) -> None:
    for build in (
        lambda: write_request(bad, b"/", []),
        lambda: write_request(b"GET", bad, []),
        lambda: write_request(b"GET", b"/", [(bad, b"x")]),
        lambda: write_request(b"GET", b"/", [(b"X", bad)]),
        lambda: write_response(200, bad, []),
        lambda: write_response(200, b"OK", [(b"X", bad)]),
    ):
        with pytest.raises(ValueError):
            build()


def test_a_break_cannot_take_the_place_of_a_missing_one() -> None:
    with pytest.raises(ValueError):
        write_response(200, b"", [(b"A", b"b\r\nC: d")])


@pytest.mark.parametrize("status", [100, 200, 404, 451, 503, 599])
def test_responses_are_read_back(status: int) -> None:
    head = parse_response(write_response(status, b"", [(b"Content-Length", b"0")]), HttpLimits())
    assert (head.status, head.content_length) == (status, 0)
    assert status_line(status).startswith(b"HTTP/1.1 %d " % status)
