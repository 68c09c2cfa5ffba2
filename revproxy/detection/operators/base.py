"""What an operator is once it is compiled: a test of bytes, and where and what it found.

A compiled operator holds no state and may be used by several threads at once. `test` is the plain callable, for
loops that cannot afford a method call in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Test = Callable[[bytes], bool]
Find = Callable[[bytes], tuple[int, int] | None]
Captures = tuple[bytes | None, ...]
"""What TX:0 to TX:9 become; None where a group took no part, so that what stands there stays."""
Argument = str | tuple[str, ...]


class ArgumentError(ValueError):
    """An argument that the operator cannot take; `offset` counts from 0 into it, None when all of it is meant."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset

    def __reduce__(self) -> tuple[type[ArgumentError], tuple[str, int | None]]:
        return type(self), (self.message, self.offset)


def _whole(value: bytes) -> tuple[int, int]:
    return 0, len(value)


def _at_once() -> None:
    """Most operators are ready as they are."""


@dataclass(frozen=True, slots=True)
class CompiledOperator:
    """`find` gives the place of the match in a value that passes the test; `captures`, for the operators that can
    fill TX:0 to TX:9 (those of libmodsecurity 3 that do), gives what they become: something for a value that passes
    the test, nothing for any other."""

    test: Test
    find: Find = _whole
    captures: Callable[[bytes], Captures] | None = None
    negated: bool = False
    ready: Callable[[], object] = _at_once
    """Does what the first use of `captures` would otherwise have to do, which may take long."""
    clears: Test | None = None
    """Of values joined with NUL, whether it accepts none of them; False says nothing."""

    def __call__(self, value: bytes) -> bool:
        return self.test(value)

    def span(self, value: bytes) -> tuple[int, int] | None:
        """Where in the value the match stands, or None when there is none. A negated match is all of the value."""
        if self.negated:
            return _whole(value) if self.test(value) else None
        return self.find(value) if self.test(value) else None

    def groups(self, value: bytes) -> Captures:
        """The match and at most nine groups; nothing without a match, or where the operator captures nothing."""
        return () if self.captures is None else self.captures(value)


Factory = Callable[[Argument], CompiledOperator]


def text_of(argument: Argument) -> str:
    """The argument of an operator that takes one text."""
    if isinstance(argument, tuple):
        if len(argument) != 1:
            raise ArgumentError("takes one text, not a list")
        return argument[0]
    return argument


def bytes_of(argument: Argument) -> bytes:
    """The same, as the bytes that values are compared with."""
    return text_of(argument).encode("utf-8", "surrogateescape")


def found(place: int, length: int) -> tuple[int, int] | None:
    """A span from what `bytes.find` gives."""
    return None if place < 0 else (place, place + length)
