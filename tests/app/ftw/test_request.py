"""Requests as go-ftw completes them."""

from __future__ import annotations

import pytest

from revproxy.app.ftw.model import Input
from revproxy.app.ftw.request import build

FORM = "application/x-www-form-urlencoded"


def body(given: Input) -> bytes:
    return build(given).partition(b"\r\n\r\n")[2]


def lines(given: Input) -> list[bytes]:
    return build(given).partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_a_plain_request_gets_its_connection_closed() -> None:
    given = Input(uri="/a", headers=(("Host", "é"),))
    assert build(given) == "GET /a HTTP/1.1\r\nHost: é\r\nConnection: close\r\n\r\n".encode()


def test_a_whole_request_goes_out_as_it_is() -> None:
    assert build(Input("POST", data=b"a", whole=b"\xff\r\n")) == b"\xff\r\n"


def test_data_gets_a_type_and_a_length() -> None:
    given = Input("POST", data=b"a=1")
    assert lines(given)[1:] == [f"Content-Type: {FORM}".encode(), b"Connection: close", b"Content-Length: 3"]


def test_what_the_test_says_stays() -> None:
    headers = (("content-length", "9"), ("CONNECTION", ""), ("Content-Type", "a/b"))
    assert lines(Input("POST", data=b"a", headers=headers))[1:] == [
        b"content-length: 9",
        b"CONNECTION: ",
        b"Content-Type: a/b",
    ]
    assert lines(Input("POST", data=b"a", autocomplete=False)) == [b"POST / HTTP/1.1"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "COMPUTE"])
def test_methods_with_a_body_get_a_length_without_one(method: str) -> None:
    assert b"Content-Length: 0" in lines(Input(method))


def test_others_get_none() -> None:
    assert not any(line.startswith(b"Content-Length") for line in lines(Input("GET")))


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"a=<b c>&d", b"a=%3Cb+c%3E&d"),
        (b"a=b=c&=&", b"a=b%3Dc&=&"),
        (b"a=%3C<", b"a=%3C<"),
        (b"a=1+1;<", b"a=1+1;<"),
        ("é~_-.".encode(), b"%C3%A9~_-."),
    ],
)
def test_a_form_without_an_escape_is_escaped(data: bytes, sent: bytes) -> None:
    assert body(Input("POST", data=data)) == sent
    assert body(Input("POST", data=data, headers=(("content-type", FORM.upper()),))) == sent


def test_others_are_not() -> None:
    assert body(Input("POST", data=b"a=<", autocomplete=False)) == b"a=<"
    assert body(Input("POST", data=b"a=<", headers=(("Content-Type", f"{FORM}; charset=utf-8"),))) == b"a=<"


def test_multipart_has_its_line_ends() -> None:
    headers = (("Content-Type", "Multipart/Form-Data; boundary=x"),)
    assert body(Input("POST", data=b"--x\nA: b\n", headers=headers, autocomplete=False)) == b"--x\r\nA: b\r\n"
    assert body(Input("POST", data=b"a\nb", headers=(("Content-Type", "text/plain"),))) == b"a\nb"


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b'a={{ "1" | repeat 3 }}!', b"a=111!"),
        (b'{{"ab"|repeat 2}}{{- repeat 2 "c" -}}', b"ababcc"),
        (b"{{constructor.constructor('alert(1)')()}}", b"{{constructor.constructor('alert(1)')()}}"),
        (b'{{ env "HOME" }}', b'{{ env "HOME" }}'),
    ],
)
def test_templates(data: bytes, sent: bytes) -> None:
    assert body(Input("POST", data=data, headers=(("Content-Type", "text/plain"),))) == sent


def test_templates_are_bounded() -> None:
    with pytest.raises(ValueError, match="more than"):
        build(Input(data=b'{{ "0123456789" | repeat 999999 }}' * 20))


def test_cookies() -> None:
    assert b"Cookie: a=b" in build(Input(), "a=b")
    assert b"a=b" not in build(Input(headers=(("cookie", "c=d"),)), "a=b")
