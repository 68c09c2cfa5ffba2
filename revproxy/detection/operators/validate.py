"""Operators that match what is invalid: bytes outside a range, broken UTF-8, broken percent encoding."""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.charset import is_utf8
from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator, bytes_of, text_of
from revproxy.detection.operators.numbers import number

_BROKEN_PERCENT: Final = re.compile(rb"%(?![0-9a-fA-F]{2})")


def allowed_bytes(argument: Argument) -> bytes:
    """The bytes of a list such as `9,10,13,32-126`. A text without a number counts as 0."""
    allowed: set[int] = set()
    at = 0
    for part in text_of(argument).split(","):
        if part.strip(" "):
            low, dash, high = part.partition("-")
            first = number(low.encode())
            last = number(high.encode()) if dash else first
            if not 0 <= first <= last <= 255:
                raise ArgumentError("a range of bytes is from 0 to 255, the lower number first", at)
            allowed.update(range(first, last + 1))
        at += len(part) + 1
    return bytes(sorted(allowed))


def byte_range(argument: Argument) -> CompiledOperator:
    """A byte stands outside the ranges."""
    allowed = allowed_bytes(argument)

    def find(value: bytes) -> tuple[int, int] | None:
        others = value.translate(None, allowed)
        if not others:
            return None
        at = value.index(others[0])
        return at, at + 1

    return CompiledOperator(lambda value: bool(value.translate(None, allowed)), find)


def utf8_encoding(argument: Argument) -> CompiledOperator:
    """The value is not UTF-8 (RFC 3629)."""

    def find(value: bytes) -> tuple[int, int] | None:
        try:
            value.decode("utf-8")
        except UnicodeDecodeError as error:
            return error.start, error.end
        return None

    # A sequence that breaks off before a NUL is broken among others as well.
    return CompiledOperator(lambda value: not is_utf8(value), find, clears=is_utf8)


def url_encoding(argument: Argument) -> CompiledOperator:
    """A `%` stands without two hexadecimal digits after it. Takes no argument."""
    if bytes_of(argument).strip(b" "):
        raise ArgumentError("takes no argument")
    search = _BROKEN_PERCENT.search

    def find(value: bytes) -> tuple[int, int] | None:
        match = search(value)
        return None if match is None else (match.start(), min(match.start() + 3, len(value)))

    return CompiledOperator(lambda value: search(value) is not None, find)
