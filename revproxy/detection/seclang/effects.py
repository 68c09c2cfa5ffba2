"""Actions with a language of their own: `setvar`, `expirevar`, `initcol`, `ctl`."""

from __future__ import annotations

import re

from revproxy.detection.seclang.macros import macro
from revproxy.detection.seclang.numbers import ids, number
from revproxy.detection.seclang.source import Log, near, shown
from revproxy.detection.seclang.targets import variables
from revproxy.detection.seclang.tree import (
    Change,
    Ctl,
    ExpireVar,
    IdRange,
    InitCol,
    Macro,
    SetVar,
    Text,
    Variable,
)
from revproxy.detection.seclang.vocabulary import CTL, CtlSpec, Status, Value
from revproxy.detection.seclang.vocabulary.actions import COLLECTIONS
from revproxy.detection.seclang.vocabulary.ctl import TARGETED, WORDS
from revproxy.detection.seclang.vocabulary.variables import WRITABLE
from revproxy.errors import Location

_PLACE = re.compile(rb"(!)?[ \t]*+([A-Za-z]++)[.:]([^=]++)")
_CHANGE = re.compile(rb"=([+-]?)")
_COLLECTION = re.compile(rb"([A-Za-z]++)[ \t]*+=[ \t]*+")
_OPTION = re.compile(rb"([A-Za-z]++)[ \t]*+=[ \t]*+")
_CHANGES = {b"": Change.SET, b"+": Change.ADD, b"-": Change.SUBTRACT}
_NAMES = {spec.name.lower(): spec.name for spec in CTL.values()}
_MOST = 10**15


def setvar(text: Text, where: Location, log: Log) -> SetVar | None:
    """`tx.name`, `tx.name=value`, `tx.name=+value`, `tx.name=-value`, `!tx.name`."""
    place = _place(text, log, "setvar:tx.name=value")
    if place is None:
        return None
    unset, collection, variable, end = place
    sign = _CHANGE.match(text.value, end)
    if unset and sign:
        log.wrong(text.at(end), "a variable is either removed with `!` or set")
        return None
    if not sign:
        change = Change.UNSET if unset else Change.SET
        given = b"" if unset else b"1"
        return SetVar(
            collection, variable, change, Macro(Text(given, text.at(end)), (given,) if given else ()), where
        )
    value = macro(text.cut(sign.end(), len(text.value)), log)
    return SetVar(collection, variable, _CHANGES[sign[1]], value, where)


def expirevar(text: Text, where: Location, log: Log) -> ExpireVar | None:
    """`ip.name=seconds`."""
    form = "expirevar:ip.name=60"
    place = _place(text, log, form)
    if place is None:
        return None
    unset, collection, variable, end = place
    if unset or not text.value.startswith(b"=", end) or end + 1 == len(text.value):
        log.wrong(text.at(end), "expirevar needs a number of seconds", form)
        return None
    return ExpireVar(collection, variable, macro(text.cut(end + 1, len(text.value)), log), where)


def _place(text: Text, log: Log, form: str) -> tuple[bool, str, Macro, int] | None:
    """`!`, the collection, the variable's name, and the offset after them."""
    match = _PLACE.match(text.value)
    if match is None:
        log.wrong(text.where, "the name of a variable must stand here, with its collection", form)
        return None
    collection = match[2].decode().upper()
    if collection not in WRITABLE:
        log.wrong(
            text.at(match.start(2)), f"rules cannot write to {shown(collection)}", f"one of: {', '.join(WRITABLE)}"
        )
        return None
    return bool(match[1]), collection, macro(text.cut(match.start(3), match.end(3)).strip(), log), match.end()


def initcol(text: Text, where: Location, log: Log) -> InitCol | None:
    """`ip=%{REMOTE_ADDR}`."""
    match = _COLLECTION.match(text.value)
    collection = match[1].decode().upper() if match else ""
    if match is None or match.end() == len(text.value):
        log.wrong(text.where, "initcol needs a collection and its key", "initcol:ip=%{REMOTE_ADDR}")
        return None
    if collection not in COLLECTIONS:
        log.wrong(text.where, f"there is no collection {shown(collection)}", f"one of: {', '.join(COLLECTIONS)}")
        return None
    return InitCol(collection, macro(text.cut(match.end(), len(text.value)), log), where)


def ctl(text: Text, where: Location, log: Log) -> Ctl | None:
    """`option=value`, `option=value;VARIABLE:key`."""
    match = _OPTION.match(text.value)
    if match is None:
        log.wrong(text.where, "ctl needs an option and its value", "ctl:ruleRemoveById=942100")
        return None
    word = match[1].decode()
    spec = CTL.get(word.lower())
    if spec is None:
        log.wrong(text.where, f"unknown option `{shown(word)}` of ctl", near(word, _NAMES))
        return None
    if spec.status is Status.REFUSED:
        log.wrong(text.where, f"ctl:{spec.name} is refused", spec.why)
        return None
    if spec.status is Status.NOTED:
        log.note(text.where, f"ctl:{spec.name} {spec.why}")
    return _option(spec, text, match.end(), where, log)


def _option(spec: CtlSpec, text: Text, start: int, where: Location, log: Log) -> Ctl | None:
    target: Variable | None = None
    end = len(text.value)
    if spec.value in TARGETED:
        semicolon = text.value.find(b";", start)
        if semicolon == -1:
            log.wrong(text.at(start), f"{spec.name} needs a variable after its value", f"{spec.name}=...;ARGS:name")
            return None
        target = _target(text.cut(semicolon + 1, end).strip(), log)
        end = semicolon
    value = text.cut(start, end).strip()
    if not value.value:
        log.wrong(value.where, f"{spec.name} needs a value")
        return None
    selected: tuple[IdRange, ...] = ()
    if spec.value in (Value.IDS, Value.IDS_TARGET):
        selected = ids(value, log)
    elif spec.value is Value.NUMBER:
        number(value, 0, _MOST, log)
    elif spec.value in WORDS:
        value = _word(value, WORDS[spec.value], spec, log)
    if spec.status is Status.FIXED and value.value.lower() not in (word.lower().encode() for word in spec.only):
        log.wrong(value.where, f"ctl:{spec.name} can only be {spec.only[0]} here", spec.why)
    if spec.value in TARGETED and target is None:
        return None
    return Ctl(spec.name, value, where, target, selected)


def _word(value: Text, words: tuple[str, ...], spec: CtlSpec, log: Log) -> Text:
    got = value.value.decode("latin-1")
    for word in words:
        if word.lower() == got.lower():
            return Text(word.encode(), value.where)
    log.wrong(value.where, f"{spec.name} cannot be `{shown(got)}`", f"one of: {', '.join(words)}")
    return value


def _target(text: Text, log: Log) -> Variable | None:
    found = variables(text, log)
    if len(found) != 1:
        if len(found) > 1:
            log.wrong(found[1].where, "one variable only", "write a ctl for each")
        return None
    if found[0].exclude or found[0].count:
        log.wrong(found[0].where, "neither `!` nor `&` here: the variable is what is removed")
        return None
    return found[0]
