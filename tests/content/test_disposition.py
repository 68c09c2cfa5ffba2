"""Dispositions of parts, also those that readers take differently. The clean ones are in `test_parthead`."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.disposition import REASON, Disposition, parse_disposition
from revproxy.errors import ContentError

FD = b"form-data; "


def test_a_clean_one() -> None:
    assert parse_disposition(FD + b'name="a\\b"; filename="C:\\x\\\\y"') == Disposition(b"a\\b", b"C:\\x\\\\y")


@pytest.mark.parametrize(
    ("value", "field", "filename", "others"),
    [
        (b'name="a"; filename="b\\".php"', b"a", b'b".php', (b'b\\".php', b"b\\")),
        (b'name=a; filename="\\"\\\\x\\y"; z=1', b"a", b'"\\x\\y', (b'\\"\\\\x\\y', b"\\")),
        (b'filename="b\\"c"; name="a"', b"a", b'b"c', (b'b\\"c', b"b\\")),
        (b'name="a"; filename="b"; x="\\""', b"a", b"b", ()),
        (b'name="a\\"b"', b'a"b', None, (b'a\\"b', b"a\\")),
        (b'name="a"; x="\\""', b"a", None, ()),
    ],
)
def test_all_agree_whether_it_is_a_file(
    value: bytes, field: bytes, filename: bytes | None, others: tuple[bytes, ...]
) -> None:
    assert parse_disposition(FD + value) == Disposition(field, filename, True, others)


@pytest.mark.parametrize(
    "value",
    [
        b'name="a\\"; filename="b"',
        b'name="a\\"; filename=\\"b"',
        b'name="a\\"b"; filename="c"',
        b'x="\\""; filename="b"; name="a"',
        b'name="a"; filename="b\\"; FILENAME=\\"c"',
        b'name="a"; filename="b"; x="\\"; filename=\\"c"',
        b'name="filename"; x="\\""',
        b'filename="b\\"c"',
        b'name="a"; filename="b\\"',
        b'name="a"; filename="b\\"\t"',
        b'name="a"; name="\\""',
        b'name="a"; x*="\\""',
    ],
)
def test_they_do_not(value: bytes) -> None:
    with pytest.raises(ContentError) as caught:
        parse_disposition(FD + value)
    assert caught.value.reason == REASON


def split_everywhere(value: bytes) -> bool:
    """Whether a reader that knows no strings sees a file."""
    return any(piece.strip().lower().startswith(b"filename=") for piece in value.split(b";"))


def without_escapes(value: bytes) -> bool:
    """Whether a reader does to whom a backslash is a letter."""
    return any(name.lower() == b"filename" for name in _PLAINLY.findall(value))


_PLAINLY = re.compile(rb';[ \t]*([^=;"]+)=(?:"[^"]*"|[^;])*')


@given(st.lists(st.sampled_from(["name=", "filename=", '"', '\\"', "; ", "a", "\\"]), max_size=12).map("".join))
def test_readers_of_other_kinds_see_a_file_or_see_none(tail: str) -> None:
    value = FD + b'name="a"; ' + tail.encode()
    with suppress(ContentError):
        got = parse_disposition(value)
        if got.ambiguous:
            is_file = got.filename is not None
            assert (split_everywhere(value), without_escapes(value)) == (is_file, is_file)
