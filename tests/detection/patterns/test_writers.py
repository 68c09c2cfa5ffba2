from __future__ import annotations

import pytest

from revproxy.detection.patterns import parse, to_hyperscan, to_re2


@pytest.mark.parametrize(
    ("text", "re2_text", "hyperscan_text"),
    [
        (r"(a|b+?)c", rb"(a|b+?)c", rb"(?:a|b+)c"),
        (r"[^a]", rb"[^a]", rb"[^a]"),
        (r"^a$", rb"(?m:^)a(?m:$)", rb"(?m:^)a(?m:$)"),
        (r"(?-m)a$", rb"a\n?\z", rb"a\Z"),
        (r"(?:ab|cd)e", rb"(?:ab|cd)e", rb"(?:ab|cd)e"),
        (r"(?:a{2}){3}", rb"(?:a{2}){3}", rb"(?:a{2}){3}"),
        (r"a{1001,2500}", rb"(?:a{1000}a{1}a{0,1000}a{0,499})", rb"a{1001,2500}"),
        (r"(?i:ab[^c])\d", rb"[Aa][Bb][^Cc][0-9]", rb"(?i:ab[^c][0-9])"),
        (r"(?i:ab)c", rb"[Aa][Bb]c", rb"[Aa][Bb]c"),
        (".", rb"[\x00-\xff]", rb"[\x00-\xff]"),
    ],
)
def test_texts(text: str, re2_text: bytes, hyperscan_text: bytes) -> None:
    tree = parse(text)
    assert (to_re2(tree), to_hyperscan(tree)) == (re2_text, hyperscan_text)
