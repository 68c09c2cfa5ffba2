from __future__ import annotations

import time

import pytest

from revproxy.detection.operators.rx import rx


@pytest.mark.parametrize("text", [r"(a+)+$x", r"(?:a|aa)+b", r"(.*)*x", r"\s+\s+\s+y"])
def test_time_is_linear_in_the_value(text: str) -> None:
    operator = rx(text)
    value = (b"a" if "a" in text else b" ") * 200_000
    before = time.process_time()
    operator(value)
    operator.groups(value)
    assert time.process_time() - before < 1.0


def test_at_most_nine_groups() -> None:
    assert len(rx("(a)" * 12).groups(b"a" * 12)) == 10
