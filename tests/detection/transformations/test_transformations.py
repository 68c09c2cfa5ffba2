"""Every transformation beside the reference engine, over generated values; the classes of difference are listed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.transformations import TRANSFORMATIONS

DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def leaves_backslash(value: bytes) -> bool:
    return re.search(rb"[/\\]\\(?![/\\])", value) is not None


def takes_9_for_padding(value: bytes) -> bool:
    return value.endswith(b"9") and sum(byte in DIGITS for byte in value) % 4 == 1


DIFFERENCES: dict[str, Callable[[bytes], bool]] = {
    # The reference does not turn a backslash that ends a run of separators, where it passes over the ones before it.
    "normalisePathWin": leaves_backslash,
    "normalizePathWin": leaves_backslash,
    # A 9 that begins a group of four at the end counts as an equals sign there (its digit's value is 0x3d): nothing
    # is decoded then.
    "base64DecodeExt": takes_9_for_padding,
}
"""For which values ours and the reference may differ; each time the reference errs, and would let an attack pass."""

OURS = ("foldUnicode", "unwrapBase64", "unwrapMore")
NAMES = [name for name in TRANSFORMATIONS if name not in ("none", *OURS)]
PIECES = [
    *(b"/* */ <!-- --> <! -- # &# &#x &#x41 &#65; &amp; &quot &lt &gt; &nbsp ; %u %uff1c %41 % + \\ \\x41".split()),
    *(b"\\u0041 \\uff1c \\ff1c \\123 \\0 0x41 0x 0X QUJD QUI= == = 9 ( ' \" ^ , A z a F 0 1 * - x u & #".split()),
    *(b".. . / // a../ \xc3\xa4 \xe2\x82\xac \xed\xa0\x80 \xc2\xa0 \xff \xf5 \xc0\x80 \xf0\x9f\x98\x80".split(b" ")),
    *(b"\xe2\x82", b"\x80", b"\xef\xbc\x9c", b"&#99999999999999999999", b"\0", b" ", b"  ", b"\xa0"),
    *(b"\t", b"\n", b"\r\n", b"\v", b"\f"),
]
ALPHABET = b"\0 \n\t/.\\%&#x;aAzfF09+=-*\xc2\xa0\xff'u<>!"
VALUES = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(ALPHABET), max_size=10).map(bytes),
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
)
RUN = reference.transformations(NAMES)


@settings(max_examples=800, deadline=None)
@given(VALUES)
def test_as_the_reference_does_it(value: bytes) -> None:
    for name, want in RUN(value).items():
        if not DIFFERENCES.get(name, lambda _: False)(value):
            assert TRANSFORMATIONS[name](value) == want, name


@pytest.mark.parametrize(
    ("name", "value", "ours", "theirs"),
    [
        ("normalisePathWin", b"/etc//\\passwd", b"/etc/passwd", b"/etc\\passwd"),
        ("base64DecodeExt", b"QUJD9", b"ABC", b""),
    ],
)
def test_differences_are_still_there(name: str, value: bytes, ours: bytes, theirs: bytes) -> None:
    assert DIFFERENCES[name](value)
    assert (TRANSFORMATIONS[name](value), RUN(value)[name]) == (ours, theirs)


def test_every_byte_in_every_place() -> None:
    """Pairs of bytes behind what begins an escape: where digits begin and end is where decoders differ."""
    for lead in (b"%", b"\\", b"\\x", b"&#", b"%u004", b"0x", b"\\00", b""):
        for byte in range(256):
            for value in (lead + bytes((byte,)), lead + bytes((byte, 0x31)), lead + b"4" + bytes((byte, 0x20))):
                got = RUN(value)
                wrong = {n for n in NAMES if got[n] != TRANSFORMATIONS[n](value)}
                assert not {n for n in wrong if not DIFFERENCES.get(n, lambda _: False)(value)}, value
