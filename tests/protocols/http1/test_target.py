"""Method, target, Host: what the table of whole heads does not show."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import HttpError
from revproxy.protocols.http1 import target


@given(st.binary(max_size=60))
def test_a_host_that_passes_is_printable_lower_case_and_has_no_delimiter(value: bytes) -> None:
    try:
        host = target.check_host(value)
    except HttpError as error:
        host = b"%d" % error.status if error.status != 400 else b""
    if not host:
        return
    assert host == value.lower()
    assert not set(host) & set(b' @/\\?#"<>\r\n\t\0')


def test_hosts_that_passed_are_remembered_within_a_bound() -> None:
    for number in range(2000):
        target.check_host(b"host-%d.example" % number)
    assert len(target._hosts) <= 512


@given(st.binary(max_size=60), st.sampled_from([b"GET", b"OPTIONS"]))
def test_a_target_that_passes_is_origin_form(value: bytes, method: bytes) -> None:
    try:
        got = target.check_target(method, value, b"a.example", 1000)
    except HttpError as error:
        got = b"%d" % error.status if error.status != 400 else b""
    if not got:
        return
    assert got.startswith(b"/") or (method, got) == (b"OPTIONS", b"*")
    assert got.isascii()
    assert all(0x21 <= byte <= 0x7E for byte in got)
    assert unquote_to_bytes(got) == unquote_to_bytes(value.partition(b"//a.example")[2] or value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"http://a.example", b"/"), (b"HTTPS://A.EXAMPLE?q=/x", b"/?q=/x"), (b"http://a.example//b", b"//b")],
)
def test_absolute_form_becomes_origin_form(value: bytes, expected: bytes) -> None:
    assert target.check_target(b"GET", value, b"a.example", 20) == expected


@given(st.binary(max_size=60).map(lambda data: bytes(byte for byte in data if byte >= 0x80 or byte in b"/%3Fa?&=")))
def test_high_bytes_are_percent_encoded_and_nothing_else_is(value: bytes) -> None:
    expected = b"/" + quote_from_bytes(value, safe="/%?&=").encode()
    for form in (b"/" + value, b"http://a.example/" + value):
        assert target.check_target(b"GET", form, b"a.example", 1000) == expected


def test_what_grows_by_encoding_is_still_bounded() -> None:
    assert target.check_target(b"GET", b"/" + b"\xe9" * 10, b"a.example", 31) == b"/" + b"%E9" * 10
    with pytest.raises(HttpError, match="target-bytes") as caught:
        target.check_target(b"GET", b"/" + b"\xe9" * 10, b"a.example", 30)
    assert caught.value.status == 414
