"""Content-Type, strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.media import ascii_charset, parse_media, plain_charset
from revproxy.errors import ContentError

TAKEN = [
    (b"text/html", b"text/html", {}),
    (b"Text/HTML", b"text/html", {}),
    (b" text/html ", b"text/html", {}),
    (b"text/html;charset=utf-8", b"text/html", {b"charset": b"utf-8"}),
    (b'text/html; Charset="UTF-8"', b"text/html", {b"charset": b"UTF-8"}),
    (b"text/html;", b"text/html", {}),
    (b"text/html; ; a=b", b"text/html", {b"a": b"b"}),
    (b'a/b; c="x\\"y"', b"a/b", {b"c": b'x"y'}),
    (b'a/b; c="; d=e"', b"a/b", {b"c": b"; d=e"}),
    (b"application/vnd.api+json", b"application/vnd.api+json", {}),
]
REFUSED = [
    b"",
    b"text",
    b"text/",
    b"/html",
    b"text/html, application/json",
    b"text/plain; application/json",
    b"text/plain application/json",
    b"a/b; c=d; c=d",
    b"a/b; C=d; c=e",
    b"a/b; c",
    b"a/b; c=",
    b"a/b; =d",
    b"a/b; c = d",
    b'a/b; c="d',
    b'a/b; c="d"e',
    b"a/b; boundary*0=x; boundary*1=y",
    b"a/b; c*=utf-8''x",
    b"a/b\x00",
    b"a/b; c=\x0b",
    b'a/b; c="\xff"',
    b"a/b; c='d e'",
    b"multipart/form-data, boundary=x",
]


@pytest.mark.parametrize(("value", "essence", "parameters"), TAKEN)
def test_one_clean_type_is_taken(value: bytes, essence: bytes, parameters: dict[bytes, bytes]) -> None:
    media = parse_media(value)
    assert (media.essence, media.parameters) == (essence, parameters)


def test_a_backslash_is_noted() -> None:
    assert parse_media(b'a/b; c="x\\y"').escaped
    assert not parse_media(b'a/b; c="xy"').escaped


@pytest.mark.parametrize("value", REFUSED)
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(ContentError, match="content_type"):
        parse_media(value)


@given(st.one_of(st.binary(max_size=80), st.text('ab/;="\\ ,*', max_size=60).map(str.encode)))
def test_parses_or_refuses(value: bytes) -> None:
    try:
        media = parse_media(value)
    except ContentError:
        return
    assert media.essence == media.essence.lower()


def test_charsets() -> None:
    assert plain_charset(b"UTF-8")
    assert not plain_charset(b"windows-1252")
    assert ascii_charset(b"Windows-1252")
    for wide in (b"utf-16", b"utf-7", b"ibm037", b"utf-32le", b"iso-2022-jp", b"shift_jis", b""):
        assert not ascii_charset(wide)
