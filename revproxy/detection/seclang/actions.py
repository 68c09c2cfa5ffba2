"""Lists of actions: `id:1,phase:2,t:none,msg:'text, with commas',setvar:tx.score=+1`.

Actions are separated by commas. An argument that begins with a single quote goes on to the next one that has no
backslash before it; any other ends at the comma. What a list must have, and what it must not, is said in `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from revproxy.detection.seclang.arguments import Argument
from revproxy.detection.seclang.effects import ctl, expirevar, initcol, setvar
from revproxy.detection.seclang.macros import macro
from revproxy.detection.seclang.numbers import number, rule_id
from revproxy.detection.seclang.source import Line, Log, near, shown
from revproxy.detection.seclang.tree import Flag, Macro, Number, RuleAction, Text, Transformation, Words
from revproxy.detection.seclang.vocabulary import ACTIONS, ActionSpec, Status, Takes
from revproxy.detection.seclang.vocabulary.actions import NO_TRANSFORMATIONS, PHASES, SAME, SEVERITIES
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.errors import Location

_NAME = re.compile(r"[ \t]*+([^:,]*+)(:[ \t]*+)?")
_QUOTED = re.compile(r"'([^'\\]*+(?:\\.[^'\\]*+)*)(')?[ \t]*+", re.DOTALL)
_BARE = re.compile(r"[^,]*+")
_NAMES = {spec.name.lower(): spec.name for spec in ACTIONS.values()} | {name.lower(): name for name in SAME}
_TRANSFORMATIONS = {name.lower(): name for name in TRANSFORMATIONS}
_MOST = 1_000_000
_DENIED = 403


def actions(argument: Argument, log: Log) -> tuple[RuleAction, ...]:
    """The actions of a list, without those that are wrong, which are noted. The list of a link may have none."""
    line, position, end = argument.line, argument.start, argument.end
    if not line.text[position:end].strip(" \t"):
        return ()
    found: list[RuleAction] = []
    while not log.full:
        action, position = _action(line, position, end, argument.quote, log)
        if action is not None:
            found.append(action)
        if position >= end:
            break
        position += 1
    return tuple(found)


def _action(line: Line, position: int, end: int, quote: str, log: Log) -> tuple[RuleAction | None, int]:
    """One action, and the offset of the comma after it, or of the end."""
    head = _NAME.match(line.text, position, end)
    assert head is not None  # it matches nothing at all, too
    word, colon = head[1].rstrip(" \t"), head[2]
    where = line.at(head.start(1))
    value, position = _argument(line, head.end(), end, quote, log) if colon else (None, head.end())
    if not word:
        log.wrong(where, "an action is missing here")
        return None, position
    spec = ACTIONS.get(word.lower())
    if spec is None:
        log.wrong(where, f"unknown action `{shown(word)}`", near(word, _NAMES))
        return None, position
    if spec.status is Status.REFUSED:
        log.wrong(where, f"{spec.name} is refused", spec.why)
        return None, position
    if spec.status is Status.NOTED:
        log.note(where, f"{spec.name} {spec.why}")
    if colon and value is None:
        return None, position
    return _READERS[spec.takes](spec, value, where, log), position


def _argument(line: Line, position: int, end: int, quote: str, log: Log) -> tuple[Text | None, int]:
    """An argument, and the offset of the comma after it, or of the end."""
    if position < end and line.text[position] == "'":
        match = _QUOTED.match(line.text, position, end)
        if match is None or not match[2]:
            log.wrong(line.at(position), "the quote ' is not closed")
            return None, end
        if match.end() < end and line.text[match.end()] != ",":
            log.wrong(line.at(match.end()), "a comma is missing here")
            bare = _BARE.match(line.text, match.end(), end)
            return None, bare.end() if bare else end
        return line.cut(match.start(1), match.end(1), "'" + quote), match.end()
    bare = _BARE.match(line.text, position, end)
    assert bare is not None
    return line.cut(position, position + len(bare[0].rstrip(" \t")), quote), bare.end()


# Readers: one for each shape of argument. `value` is None where no colon stands.


def _nothing(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    if value is not None:
        log.wrong(value.where, f"{spec.name} takes no argument", f"write {spec.name}")
        return None
    return Flag(spec.name, where)


def _needed(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> Text | None:
    if value is None or not value.value:
        log.wrong(value.where if value else where, f"{spec.name} needs an argument", f"{spec.name}:...")
        return None
    return value


def _id(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    text = _needed(spec, value, where, log)
    if text is None:
        return None
    found = rule_id(text, log)
    return None if found is None else Number(spec.name, found, where)


def _named(names: dict[str, int], what: str) -> Callable[[ActionSpec, Text | None, Location, Log], RuleAction | None]:
    """A reader of a number that may be written as a name."""

    def read(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
        text = _needed(spec, value, where, log)
        if text is None:
            return None
        word = text.value.decode("latin-1")
        found = names.get(word.lower())
        if found is None:
            log.wrong(text.where, f"`{shown(word)}` is no {what}", f"one of: {', '.join(names)}")
            return None
        return Number(spec.name, found, where)

    return read


def _ranged(least: int, most: int) -> Callable[[ActionSpec, Text | None, Location, Log], RuleAction | None]:
    def read(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
        text = _needed(spec, value, where, log)
        found = number(text, least, most, log) if text is not None else None
        return None if found is None else Number(spec.name, found, where)

    return read


def _status(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    """A status; ModSecurity's own recommended configuration has one that is none (44)."""
    text = _needed(spec, value, where, log)
    found = number(text, 0, 999, log) if text is not None else None
    if text is None or found is None:
        return None
    if not 100 <= found <= 599:
        log.note(text.where, f"{found} is no status of an answer: {_DENIED} stands instead")
        found = _DENIED
    return Number(spec.name, found, where)


def _fixed(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    """A text in which no reference may stand."""
    text = _needed(spec, value, where, log)
    if text is None:
        return None
    read = macro(text, log)
    if not read.fixed:
        log.wrong(text.where, f"{spec.name} is fixed: no reference may stand in it")
        return None
    return Words(spec.name, read, where)


def _logged(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    if value is None:
        _needed(spec, value, where, log)
        return None
    return Words(spec.name, macro(value, log, logged=True), where)


def _macro(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    text = _needed(spec, value, where, log)
    return None if text is None else Words(spec.name, macro(text, log), where)


def _scope(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    if value is None:
        return Flag(spec.name, where)
    word = value.value.lower()
    if word not in (b"phase", b"request"):
        log.wrong(value.where, f"{spec.name} takes `phase`, `request` or nothing")
        return None
    return Words(spec.name, Macro(Text(word, value.where), (word,)), where)


def _transformation(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    text = _needed(spec, value, where, log)
    if text is None:
        return None
    word = text.value.decode("latin-1")
    name = _TRANSFORMATIONS.get(word.lower())
    if name is None:
        hint = NO_TRANSFORMATIONS.get(word.lower()) or near(word, _TRANSFORMATIONS)
        log.wrong(text.where, f"unknown transformation `{shown(word)}`", hint)
        return None
    return Transformation(name, where)


def _anything(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
    return Flag(spec.name, where) if value is None else Words(spec.name, macro(value, log, logged=True), where)


def _effect(
    read: Callable[[Text, Location, Log], RuleAction | None],
) -> Callable[[ActionSpec, Text | None, Location, Log], RuleAction | None]:
    def reader(spec: ActionSpec, value: Text | None, where: Location, log: Log) -> RuleAction | None:
        text = _needed(spec, value, where, log)
        return None if text is None else read(text, where, log)

    return reader


_READERS: dict[Takes, Callable[[ActionSpec, Text | None, Location, Log], RuleAction | None]] = {
    Takes.NOTHING: _nothing,
    Takes.ID: _id,
    Takes.PHASE: _named(PHASES, "phase"),
    Takes.SEVERITY: _named(SEVERITIES, "severity"),
    Takes.STATUS: _status,
    Takes.NUMBER: _ranged(0, _MOST),
    Takes.TEXT: _fixed,
    Takes.LOGGED: _logged,
    Takes.MACRO: _macro,
    Takes.SCOPE: _scope,
    Takes.TRANSFORMATION: _transformation,
    Takes.SETVAR: _effect(setvar),
    Takes.EXPIREVAR: _effect(expirevar),
    Takes.INITCOL: _effect(initcol),
    Takes.CTL: _effect(ctl),
    Takes.ANYTHING: _anything,
}
