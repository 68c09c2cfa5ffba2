"""Paths: a table, and what every parsed address has in common."""

from __future__ import annotations

from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.protocols.smtp.address import Address, is_domain, is_helo, parse_address, parse_path

ROWS = [
    line.split("\t")
    for line in (File(__file__).parents[2] / "data/smtp/paths.tsv").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("argument", "address", "rest"), ROWS, ids=[row[0] for row in ROWS])
def test_table(argument, address, rest):
    path = parse_path(argument.encode())
    if address == "-":
        assert path is None
    else:
        assert path is not None
        assert (bytes(path.address), path.rest) == (address.encode(), rest.encode())


@pytest.mark.parametrize("local", [b"a%b", b"a!b", b'"a"', b"|x", b"/x", b"-x", b"a\\b", b"`x`"])
def test_local_parts_that_are_taken_apart_again(local):
    assert not Address(local, b"b.example").plain


def test_plain_local_parts():
    assert all(Address(local, b"b.example").plain for local in (b"a", b"a.b+c", b"a=b_c'd", "ä".encode()))


@pytest.mark.parametrize(
    "text", [b"\xff@b.example", b"a\x00@b.example", b"a\x7f@b.example", "a\x85@b.example".encode(), b"\xc3@b.example"]
)
def test_octets_that_are_never_taken(text):
    assert parse_address(text) is None


def test_lengths():
    assert parse_address(b"a" * 64 + b"@b.example") is not None
    assert parse_address(b"a" * 65 + b"@b.example") is None
    assert parse_address(b"a@" + b"b" * 64 + b".example") is None
    assert parse_path(b"<a@" + b"b." * 130 + b"example>") is None


@given(st.binary(max_size=80) | st.text('<>@"\\.ab%!:,() \r\n\0[]', max_size=40).map(str.encode))
def test_whatever_comes_it_parses_or_does_not(argument):
    path = parse_path(argument)
    if path is None:
        return
    text = bytes(path.address)
    assert not set(text) & set(b"\r\n\0\x7f")
    # What goes inside reads back as the same address.
    again = parse_path(b"<" + text + b">")
    assert again is not None
    assert again.address == path.address
    if path.address.plain and path.address.domain:
        assert text.count(b"@") == 1


@given(st.binary(max_size=40))
def test_names_are_safe_in_a_header(text):
    if is_helo(text) or is_domain(text):
        assert not set(text) & set(b"\r\n\0 ()<>\"'")
    if is_helo(text):
        assert text.isascii()
