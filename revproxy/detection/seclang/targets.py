"""Lists of variables: `ARGS|!ARGS:key|&TX:/pattern/|XML:/*`.

Items are separated by `|` or, as in ModSecurity 3, by a comma; a key is separated by a colon or a dot. A pattern
stands between slashes and ends at the first slash that is not escaped and has a separator or the end after it; in
single quotes it may contain anything. Every item is checked against the table of variables.
"""

from __future__ import annotations

import re

from revproxy.detection.seclang.macros import unknown_variable, variable_name
from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import Text, Variable
from revproxy.detection.seclang.vocabulary import VARIABLES, Keys, Status, VariableSpec

_ITEM = re.compile(rb"[ \t]*+([!&]*+)([A-Za-z0-9_]*+)([:.]?)")
_KEY = re.compile(rb"[^|, \t]*+")
_XPATH = re.compile(rb"[^|]*+")
_PATTERN = re.compile(rb"/((?:[^/\\]++|\\.|/(?![|,]|\Z))*)(/)?", re.DOTALL)
_QUOTED = re.compile(rb"'((?:[^'\\]++|\\.|'(?![|,]|\Z))*)(')?", re.DOTALL)
_AFTER = re.compile(rb"[ \t]*+([|,]?)")
_REST = re.compile(rb"[^|,]*+")
_SWALLOWED = re.compile(rb"\|[!&]?([A-Za-z0-9_]++):")

_Selector = tuple[bytes | None, Text | None, int]
"""A key or a pattern, and the offset after it."""


def variables(text: Text, log: Log) -> tuple[Variable, ...]:
    """The items of a list, without those that are wrong, which are noted."""
    found: list[Variable] = []
    position, end = 0, len(text.value)
    while True:
        item, position = _item(text, position, log)
        if item is not None:
            found.append(item)
        separator = _match(_AFTER, text, position)
        position = separator.end()
        if not separator[1] and position < end:
            log.wrong(text.at(position), "`|` or the end of the list is missing here")
            position = _skip(text, position) + 1
        elif not separator[1]:
            position += 1
        if position > end or log.full:
            return tuple(found)


def _match(pattern: re.Pattern[bytes], text: Text, position: int) -> re.Match[bytes]:
    """A match of a pattern that matches nothing at all, too."""
    match = pattern.match(text.value, position)
    assert match is not None
    return match


def _skip(text: Text, position: int) -> int:
    return _match(_REST, text, position).end()


def _item(text: Text, position: int, log: Log) -> tuple[Variable | None, int]:
    """One item, and the offset after it."""
    head = _match(_ITEM, text, position)
    signs, word, colon = head.groups()
    if not word:
        log.wrong(text.at(head.start(2)), "a variable is missing here")
        return None, _skip(text, head.end())
    spec = _spec(text, head, log)
    key: bytes | None = None
    pattern: Text | None = None
    after = head.end()
    if colon and spec and spec.keys is Keys.NONE:
        log.wrong(text.at(head.start(3)), f"{spec.name} has no keys", f"write {spec.name}")
        return None, _skip(text, after)
    if colon:
        key, pattern, after = _selector(text, after, spec, log)
    elif spec and spec.keys is Keys.XPATH:
        hint = f"{spec.name}:/* for the text, {spec.name}://@* for the attributes"
        log.wrong(text.at(head.start(2)), f"{spec.name} needs a path", hint)
        return None, after
    if spec is None or (colon and key is None and pattern is None):
        return None, after
    where = text.at(head.start(1))
    return Variable(spec.name, where, key, pattern, signs == b"&", signs == b"!"), after


def _spec(text: Text, head: re.Match[bytes], log: Log) -> VariableSpec | None:
    """The row of an item's variable."""
    if len(head[1]) > 1:
        log.wrong(text.at(head.start(1)), "at most one of `!` and `&` may stand before a variable")
    word = head[2].decode()
    spec = VARIABLES.get(variable_name(word))
    if spec is None:
        log.wrong(text.at(head.start(2)), *unknown_variable(word))
    elif spec.status is Status.REFUSED:
        log.wrong(text.at(head.start(2)), f"there is no {spec.name} here", spec.why)
    elif spec.status is Status.NOTED:
        log.note(text.at(head.start(2)), f"{spec.name} {spec.why}")
    return spec


def _selector(text: Text, position: int, spec: VariableSpec | None, log: Log) -> _Selector:
    """What stands after the colon."""
    first = text.value[position : position + 1]
    xpath = spec is not None and spec.keys is Keys.XPATH
    if first == b"'":
        return _quoted(text, position, xpath, log)
    if first == b"/" and not xpath:
        return _slashed(text, position, log)
    match = _match(_XPATH if xpath else _KEY, text, position)
    return _key(text.cut(position, match.end()).strip(), log), None, match.end()


def _key(text: Text, log: Log) -> bytes | None:
    if not text.value:
        log.wrong(text.where, "no key after the colon")
        return None
    if b"%{" in text.value:
        log.wrong(text.at(text.value.index(b"%{")), "a key is fixed: no reference may stand in it")
        return None
    return text.value


def _slashed(text: Text, position: int, log: Log) -> _Selector:
    """`/pattern/`."""
    match = _PATTERN.match(text.value, position)
    if match is None or not match[2]:
        hint = "a key that begins with a slash is written in single quotes"
        log.wrong(text.at(position), "the pattern has no closing slash", hint)
        return None, None, len(text.value)
    for swallowed in _SWALLOWED.finditer(match[1]):
        if variable_name(swallowed[1].decode()) in VARIABLES:
            place = text.at(match.start(1) + swallowed.start())
            hint = "put the pattern in single quotes: '/.../'"
            log.wrong(place, "this may go on with the pattern or begin the next variable", hint)
            return None, None, match.end()
    return None, _pattern(text.cut(*match.span(1)), log), match.end()


def _quoted(text: Text, position: int, xpath: bool, log: Log) -> _Selector:
    """`'key'` or `'/pattern/'`."""
    match = _QUOTED.match(text.value, position)
    if match is None or not match[2]:
        log.wrong(text.at(position), "the quote ' is not closed")
        return None, None, len(text.value)
    inside, (start, end) = match[1], match.span(1)
    if not xpath and len(inside) > 1 and inside.startswith(b"/") and inside.endswith(b"/"):
        return None, _pattern(text.cut(start + 1, end - 1), log), match.end()
    return _key(text.cut(start, end), log), None, match.end()


def _pattern(text: Text, log: Log) -> Text | None:
    if not text.value:
        log.wrong(text.where, "an empty pattern", "name the variable without a key for all of them")
        return None
    return text
