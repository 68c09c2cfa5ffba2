"""Operators that compare whole numbers. A text that does not begin with a number counts as 0, on both sides."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final

from revproxy.detection.operators.base import Argument, CompiledOperator, Factory, bytes_of

_NUMBER: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?)0*([0-9]*)")
_LARGEST: Final = 2**63 - 1


def number(text: bytes) -> int:
    """The number that a text begins with, as C's atoi reads it; what is too large counts as 2**63 - 1."""
    if len(text) < 19:
        value = 0
        for at in range(len(text)):
            digit = text[at] - 48
            if not 0 <= digit <= 9:
                break
            value = value * 10 + digit
        else:
            # Nearly every number is nothing but a few digits.
            return value
    match = _NUMBER.match(text)
    assert match is not None
    sign, digits = match.groups()
    value = min(int(digits or b"0"), _LARGEST) if len(digits) <= 19 else _LARGEST
    return -value if sign == b"-" else value


def _comparison(compare: Callable[[int, int], bool], what: str) -> Factory:
    def factory(argument: Argument) -> CompiledOperator:
        right = number(bytes_of(argument))
        return CompiledOperator(lambda value: compare(number(value), right))

    factory.__doc__ = f"The value is a number {what} the argument."
    return factory


eq = _comparison(operator.eq, "equal to")
ge = _comparison(operator.ge, "of at least")
gt = _comparison(operator.gt, "greater than")
le = _comparison(operator.le, "of at most")
lt = _comparison(operator.lt, "less than")
