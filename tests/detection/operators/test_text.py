from __future__ import annotations

import pytest

from revproxy.detection.operators import text


@pytest.mark.parametrize(
    ("value", "want"),
    [(b"abc", True), (b"1abc2", True), (b"xabc", False), (b"abcx abc", True), (b"ABC", False), (b"abc\0x", True)],
)
def test_contains_word(value: bytes, want: bool) -> None:
    assert text.contains_word("abc")(value) is want


def test_an_empty_text_is_in_everything() -> None:
    for factory in (text.contains, text.contains_word, text.begins_with, text.ends_with):
        assert factory("")(b"x")
