"""Operators that compare bytes. All regard case; an empty argument is in everything."""

from __future__ import annotations

from dataclasses import replace

from revproxy.detection.operators.base import Argument, CompiledOperator, bytes_of, found
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.tree import Anchor, Set, Side, alt, cat, literal


def contains(argument: Argument) -> CompiledOperator:
    """The text stands somewhere in the value."""
    text = bytes_of(argument)
    return CompiledOperator(lambda value: text in value, lambda value: found(value.find(text), len(text)))


def contains_word(argument: Argument) -> CompiledOperator:
    """The text stands in the value with no letter right before or after it."""
    text = bytes_of(argument)
    if not text:
        return contains(text.decode())
    other = Set(b.ALL & ~(b.UPPER | b.LOWER))
    begin, end = alt((Anchor(Side.TEXT_BEGIN), other)), alt((Anchor(Side.TEXT_END), other))
    return replace(matcher(cat((begin, literal(text), end))), captures=None)


def begins_with(argument: Argument) -> CompiledOperator:
    """The value begins with the text."""
    text = bytes_of(argument)
    return CompiledOperator(lambda value: value.startswith(text), lambda value: (0, len(text)))


def ends_with(argument: Argument) -> CompiledOperator:
    """The value ends with the text."""
    text = bytes_of(argument)
    return CompiledOperator(lambda value: value.endswith(text), lambda value: (len(value) - len(text), len(value)))


def streq(argument: Argument) -> CompiledOperator:
    """The value is the text."""
    return CompiledOperator(bytes_of(argument).__eq__)


def within(argument: Argument) -> CompiledOperator:
    """The value stands somewhere in the text; an empty one does."""
    text = bytes_of(argument)
    return CompiledOperator(lambda value: value in text)


def unconditional_match(argument: Argument) -> CompiledOperator:
    """Every value."""
    return CompiledOperator(lambda value: True)


def no_match(argument: Argument) -> CompiledOperator:
    """No value."""
    return CompiledOperator(lambda value: False)
