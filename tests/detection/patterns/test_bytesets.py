from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.patterns import bytesets

sets = st.sets(st.integers(0, 255))


@given(sets)
def test_members_and_ranges_give_back_the_set(members: set[int]) -> None:
    mask = bytesets.of(members)
    assert set(bytesets.members(mask)) == members
    assert {byte for low, high in bytesets.ranges(mask) for byte in range(low, high + 1)} == members


@given(sets)
def test_fold_adds_the_other_case_of_letters_only(members: set[int]) -> None:
    other = {ord(chr(b).swapcase()) for b in members if b < 128}
    assert set(bytesets.members(bytesets.fold(bytesets.of(members)))) == members | other


def test_named() -> None:
    assert bytes(bytesets.members(bytesets.NAMED["xdigit"])) == b"0123456789ABCDEFabcdef"
    assert bytesets.span(0, 255) == bytesets.ALL
