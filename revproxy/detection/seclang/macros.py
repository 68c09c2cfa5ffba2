"""References to variables in texts: `%{NAME}`, `%{NAME.key}`, `%{NAME:key}`.

A backslash before the percent sign, not itself escaped, makes it text: so patterns write it. Nothing nests.
"""

from __future__ import annotations

import re

from revproxy.detection.seclang.source import Log, near, shown
from revproxy.detection.seclang.tree import Macro, Reference, Text
from revproxy.detection.seclang.vocabulary import VARIABLES, Keys, Status
from revproxy.detection.seclang.vocabulary.variables import SAME

_REFERENCE = re.compile(rb"%\{[ \t]*+([A-Za-z0-9_]++)(?:[.:]([^{}]*+))?\}")
_KNOWN = {name.lower(): name for name in (*VARIABLES, *SAME)}


def variable_name(word: str) -> str:
    """A variable's name in the spelling of the table, whether it is one or not."""
    name = word.upper()
    return SAME.get(name, name)


def unknown_variable(word: str) -> tuple[str, str]:
    """The message about a variable that does not exist, and a hint."""
    return f"unknown variable `{shown(word)}`", near(word, _KNOWN)


def macro(text: Text, log: Log, logged: bool = False) -> Macro:
    """Read a text. What is wrong is noted and stays text.

    `logged`: it only goes to a log, where a variable that is not there is no more than an empty word.
    """
    value = text.value
    at = value.find(b"%{")
    if at == -1:
        return Macro(text, (value,) if value else ())
    parts: list[bytes | Reference] = []
    begin = 0
    while at != -1 and not log.full:
        match = None if _escaped(value, at) else _REFERENCE.match(value, at)
        if match:
            if at > begin:
                parts.append(value[begin:at])
            parts.append(_reference(match, text, log, logged))
            begin = match.end()
        elif not _escaped(value, at):
            message = "`%{` begins a reference to a variable, and this is none"
            log.wrong(text.at(at), message, "%{tx.name}, or \\%{ where a pattern means the characters")
        at = value.find(b"%{", max(begin, at + 2))
    if begin < len(value):
        parts.append(value[begin:])
    return Macro(text, tuple(parts))


def _reference(match: re.Match[bytes], text: Text, log: Log, logged: bool) -> Reference:
    word = match[1].decode()
    name = variable_name(word)
    where = text.at(match.start())
    inside = text.at(match.start(1))
    spec = VARIABLES.get(name)
    if spec is None:
        log.wrong(inside, *unknown_variable(word))
    elif spec.keys is Keys.NONE and match[2] is not None:
        log.wrong(text.at(match.end(1)), f"{name} has no keys", f"write %{{{name}}}")
    elif spec.status is Status.REFUSED and logged:
        log.note(inside, f"{name} is empty: {spec.why}")
    elif spec.status is Status.REFUSED:
        log.wrong(inside, f"there is no {name} here", spec.why)
    elif spec.status is Status.NOTED:
        log.note(inside, f"{name} {spec.why}")
    return Reference(name, match[2] or None, where)


def _escaped(value: bytes, at: int) -> bool:
    """Whether an odd number of backslashes stands before a character."""
    before = at
    while before > 0 and value[before - 1] == 0x5C:
        before -= 1
    return (at - before) % 2 == 1
