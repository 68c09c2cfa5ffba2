"""For each operator, what a value must contain for it to be accepted: a necessary condition, as trees.

A value without a match of any of them is certainly not accepted, so a scan that finds none rules the condition out.
The opposite is not said: what is found is tried by the operator itself. Operators that have no such condition
(numbers, negations, addresses) are not in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from revproxy.detection.link.sqlwords import SQL_NEEDS
from revproxy.detection.operators.base import Argument, bytes_of, text_of
from revproxy.detection.operators.phrases import phrases_of
from revproxy.detection.operators.validate import allowed_bytes
from revproxy.detection.patterns import Node, bytesets, literal, parse
from revproxy.detection.patterns.tree import Anchor, Repeat, Set, Side, cat
from revproxy.detection.rules import Condition, Operator

Needs = tuple[Node, ...]

_BEGIN = Anchor(Side.TEXT_BEGIN)
_END = Anchor(Side.TEXT_END)
_HIGH = bytesets.span(0x80, 0xFF)
_EITHER_CASE = [Set(bytesets.fold(1 << byte)) for byte in range(256)]


def _rx(argument: Argument) -> Needs:
    return (parse(text_of(argument)),)


def _phrases(argument: Argument) -> Needs:
    return tuple(cat(map(_EITHER_CASE.__getitem__, phrase)) for phrase in phrases_of(argument))


def _contains(argument: Argument) -> Needs:
    return (literal(bytes_of(argument)),)


def _equals(argument: Argument) -> Needs:
    return (cat((_BEGIN, literal(bytes_of(argument)), _END)),)


def _begins(argument: Argument) -> Needs:
    return (cat((_BEGIN, literal(bytes_of(argument)))),)


def _ends(argument: Argument) -> Needs:
    return (cat((literal(bytes_of(argument)), _END)),)


def _within(argument: Argument) -> Needs:
    letters = bytesets.of(bytes_of(argument))
    return (cat((_BEGIN, *([Repeat(Set(letters), 0, None)] if letters else []), _END)),)


def _outside(argument: Argument) -> Needs:
    rest = bytesets.ALL & ~bytesets.of(allowed_bytes(argument))
    return (Set(rest),) if rest else ()


@cache
def _sql(argument: Argument) -> Needs:
    return tuple(parse(text) for text in SQL_NEEDS)


_ATTRIBUTES = (
    "action|attributename|background|by|dataformatas|datasrc|dynsrc|filter|folder|formaction|from|handler|href|lowsrc|"
    "poster|src|style|to|values"
)
XSS_NEEDS = ("<", rf"(?i)(?:^|[\x00-\x20\x22'`/:>])(?:(?:on|xmlns|xlink)[^=]*|(?:{_ATTRIBUTES})[^=a-z0-9]*)=")
"""A tag, or an attribute that can run something, where one may begin. The tests hold it against the operator."""


@cache
def _xss(argument: Argument) -> Needs:
    return tuple(parse(text) for text in XSS_NEEDS)


_NEEDS: dict[str, Callable[[Argument], Needs]] = {
    "rx": _rx,
    "rxGlobal": _rx,
    **dict.fromkeys(("verifyCC", "verifyCPF", "verifySSN", "verifySVNR"), _rx),
    "pm": _phrases,
    "contains": _contains,
    "containsWord": _contains,
    "strmatch": _contains,
    "streq": _equals,
    "beginsWith": _begins,
    "endsWith": _ends,
    "within": _within,
    "validateByteRange": _outside,
    "validateUtf8Encoding": lambda _: (Set(_HIGH),),
    "validateUrlEncoding": lambda _: (literal(b"%"),),
    "detectSQLi": _sql,
    "detectXSS": _xss,
    "noMatch": lambda _: (),
}


def needs_of(operator: Operator) -> Needs | None:
    """The operator's necessary condition, or None when nothing can be said.

    Raises ValueError for an argument that the operator cannot take.
    """
    if operator.negated or operator.name not in _NEEDS:
        return None
    return _NEEDS[operator.name](operator.argument)


def scannable(condition: Condition) -> bool:
    """Whether every operator of the condition has a necessary condition."""
    return all(not o.negated and o.name in _NEEDS for o in condition.operators)
