from __future__ import annotations

import pickle

from revproxy.detection.operators.base import ArgumentError, CompiledOperator, found


def test_a_plain_test_finds_the_whole_value_and_captures_nothing() -> None:
    operator = CompiledOperator(lambda value: value == b"x")
    assert (operator.span(b"x"), operator.groups(b"x")) == ((0, 1), ())
    assert (operator.span(b"y"), operator.groups(b"y")) == (None, ())


def test_helpers() -> None:
    assert found(-1, 3) is None
    assert found(2, 3) == (2, 5)
    error = pickle.loads(pickle.dumps(ArgumentError("no", 3)))
    assert (error.message, error.offset) == ("no", 3)
