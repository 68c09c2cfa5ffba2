"""What is asked of a head that passed the gate."""

from __future__ import annotations

import pytest

from revproxy.errors import HttpError
from revproxy.model import HttpLimits
from revproxy.protocols.http1 import RequestHead, ResponseHead, parse_request, parse_response

LIMITS = HttpLimits()


def request(*lines: bytes) -> RequestHead:
    return parse_request(b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *lines, b"", b""]), LIMITS)


def response(*lines: bytes) -> ResponseHead:
    return parse_response(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]), LIMITS)


def test_the_first_value_of_a_field_is_asked_for_in_lower_case() -> None:
    lines = b"X-One: 1", b"x-ONE: 2", b"X-Empty:"
    for head in (request(*lines), response(*lines)):
        assert [head.get(name) for name in (b"x-one", b"x-empty", b"X-One", b"x-two")] == [b"1", b"", None, None]


def test_fields_are_as_written_and_in_order() -> None:
    lines = b"X-One: \t1 ", b"x-ONE:2"
    assert request(*lines).fields == [(b"Host", b"a"), (b"X-One", b"1"), (b"x-ONE", b"2")]
    assert request(*lines).names == [b"host", b"x-one", b"x-one"]
    assert response(*lines).fields == [(b"X-One", b"1"), (b"x-ONE", b"2")]
    assert response(*lines).names == [b"x-one", b"x-one"]


@pytest.mark.parametrize(
    ("lines", "codings"),
    [
        ((), ""),
        ((b"Content-Length: 3",), ""),
        ((b"Transfer-Encoding: chunked",), ""),
        ((b"Transfer-Encoding: CHUNKED",), ""),
        ((b"Transfer-Encoding: gzip, chunked",), "gzip"),
        ((b"Transfer-Encoding: GZip ,deflate, chunked",), "gzip,deflate"),
    ],
)
def test_what_was_done_to_a_body_before_it_was_chunked(lines: tuple[bytes, ...], codings: str) -> None:
    assert request(*lines).codings.replace(" ", "") == codings


def test_a_list_that_does_not_end_in_chunked_makes_no_head() -> None:
    with pytest.raises(HttpError):
        request(b"Transfer-Encoding: chunked, gzip")
