from __future__ import annotations

import pytest

from revproxy.detection.operators.numbers import number


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"", 0),
        (b"x1", 0),
        (b" \t+12a", 12),
        (b"-0007", -7),
        (b"- 7", 0),
        (b"9" * 40, 2**63 - 1),
        (b"-" + b"9" * 40, 1 - 2**63),
        (b"0" * 40 + b"3", 3),
        (b"9223372036854775806", 2**63 - 2),
        (b"9223372036854775808", 2**63 - 1),
        ("٣".encode(), 0),
    ],
)
def test_number(text: bytes, want: int) -> None:
    assert number(text) == want
