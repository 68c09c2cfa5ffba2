"""Directives: logical lines -> statements. Each form of the table has its reader here.

Apache's sections (`<IfModule ...>`, `<Location ...>`) are refused: what they leave out or confine would be taken for
all. Reading files does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable

from revproxy.detection.seclang.actions import actions
from revproxy.detection.seclang.arguments import Argument, name, split
from revproxy.detection.seclang.numbers import ids, number
from revproxy.detection.seclang.operators import operator
from revproxy.detection.seclang.rules import Assembly, single
from revproxy.detection.seclang.source import Line, Log, near, shown
from revproxy.detection.seclang.targets import variables
from revproxy.detection.seclang.tree import (
    By,
    Dataset,
    Include,
    Link,
    Marker,
    Removal,
    Selection,
    Setting,
    Statement,
    Text,
    UpdateActions,
    UpdateTargets,
)
from revproxy.detection.seclang.vocabulary import DIRECTIVES, DirectiveSpec, Form, Status
from revproxy.detection.seclang.vocabulary.directives import WORDS
from revproxy.errors import Location

_NAMES = {key: spec.name for key, spec in DIRECTIVES.items()}
_MOST = 10**15
_CHAIN = 1000
_COUNTS: dict[Form, tuple[int, int, str]] = {
    Form.RULE: (2, 3, 'SecRule VARIABLES "@operator argument" "actions"'),
    Form.ACTION: (1, 1, 'SecAction "actions"'),
    Form.MARKER: (1, 1, "SecMarker NAME"),
    Form.DEFAULT: (1, 1, 'SecDefaultAction "phase:1,log,auditlog,pass"'),
    Form.UPDATE_TARGET: (2, 2, 'SecRuleUpdateTargetById 942100 "!ARGS:name"'),
    Form.UPDATE_ACTION: (2, 2, 'SecRuleUpdateActionById 942100 "pass"'),
    Form.DATASET: (2, 2, "SecDataset NAME `, one entry a line, and a line of one backtick"),
    Form.INCLUDE: (1, 1, "Include PATH"),
    Form.NOTHING: (0, 0, "it takes no argument"),
    Form.TEXTS: (1, 1000, "it takes words"),
    Form.REMOVE: (1, 1000, "SecRuleRemoveById 942100 942200-942299"),
    Form.ANYTHING: (0, 1000, ""),
}
_ONE = (1, 1, "it takes one argument; put quotes around it if it has blanks")


def statement(line: Line, assembly: Assembly, log: Log) -> Statement | None:
    """The statement that a line completes, or None: a chain goes on, nothing is to be done, or it is wrong."""
    word = name(line)
    spec = DIRECTIVES.get(word.lower())
    if spec is None:
        if not assembly.torn:
            _unknown(line, word, log)
        assembly.lost(assembly.torn)
        return None
    assembly.torn = False
    if spec.form is not Form.RULE:
        assembly.other()
    arguments = split(line, log)
    if arguments is None or not _counted(arguments, spec, log):
        if arguments is None or spec.form is Form.RULE:
            assembly.lost(torn=arguments is None)
        return None
    where = line.at(arguments[0].start)
    if spec.status is Status.REFUSED:
        log.wrong(where, f"{spec.name} is refused", spec.why)
    elif spec.status is Status.NOTED:
        log.note(where, f"{spec.name} {spec.why}")
        # What it says must still be right: the same file may go to another engine.
        _setting(spec, arguments[1:], where, log)
    else:
        return _read(spec, arguments[1:], where, assembly, log)
    return None


def _unknown(line: Line, word: str, log: Log) -> None:
    where = line.at(len(line.text) - len(line.text.lstrip(" \t")))
    if word.startswith("<"):
        message = "Apache's sections are not read"
        log.wrong(where, message, "take the lines out of the section, or leave them out with it")
    elif word[0] in "\"'":
        message = "a quoted text where a directive must stand"
        log.wrong(where, message, "a directive goes on in the next line only after a backslash")
    else:
        log.wrong(where, f"unknown directive `{shown(word)}`", near(word, _NAMES))


def _counted(arguments: list[Argument], spec: DirectiveSpec, log: Log) -> bool:
    """Whether the number of arguments is right."""
    least, most, hint = _COUNTS.get(spec.form, _ONE)
    given = len(arguments) - 1
    if least <= given <= most:
        return True
    line = arguments[0].line
    if given < least:
        log.wrong(line.at(len(line.text)), f"{spec.name} needs another argument", hint)
        return False
    extra = arguments[most + 1]
    start = extra.start - len(extra.quote)
    if extra.raw.startswith("#") and not extra.quote:
        log.wrong(line.at(start), "a comment needs a line of its own")
    else:
        log.wrong(line.at(start), f"{spec.name} does not take this argument", hint)
    return False


def _read(
    spec: DirectiveSpec, arguments: list[Argument], where: Location, assembly: Assembly, log: Log
) -> Statement | None:
    match spec.form:
        case Form.RULE:
            before = len(log.errors)
            link = _link(arguments, where, log)
            return assembly.rule(link, flawed=len(log.errors) > before)
        case Form.ACTION:
            before = len(log.errors)
            link = Link((), None, actions(arguments[0], log), where)
            return assembly.action(link, flawed=len(log.errors) > before)
        case Form.DEFAULT:
            return assembly.default(actions(arguments[0], log), where)
        case _:
            return _READERS.get(spec.form, _setting)(spec, arguments, where, log)


def _link(arguments: list[Argument], where: Location, log: Log) -> Link:
    """A SecRule, as much of it as could be read."""
    targets = variables(arguments[0].text, log)
    if targets and all(target.exclude for target in targets):
        log.wrong(targets[0].where, "nothing is chosen: there are only variables to leave out")
    test = operator(arguments[1], log)
    found = actions(arguments[2], log) if len(arguments) > 2 else ()
    return Link(targets, test, found, where)


def _marker(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    text = arguments[0].text
    if not text.value:
        log.wrong(where, "the marker has no name")
        return None
    return Marker(text.value, where)


def _selection(spec: DirectiveSpec, arguments: list[Argument], log: Log) -> Selection | None:
    """The rules that a directive is about; `spec.name` ends in how they are named."""
    by = next(by for by in By if spec.name.endswith(f"By{by}"))
    if by is By.ID:
        found = tuple(each for argument in arguments for each in ids(argument.text, log))
        return Selection(by, ids=found) if found else None
    if len(arguments) > 1:
        log.wrong(arguments[1].line.at(arguments[1].start), "one text only", "put quotes around a text with blanks")
        return None
    text = arguments[0].text
    if not text.value:
        log.wrong(text.where, "a text must stand here")
        return None
    return Selection(by, text=text)


def _remove(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    selection = _selection(spec, arguments, log)
    return Removal(selection, where) if selection else None


def _update_target(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    selection = _selection(spec, arguments[:1], log)
    targets = variables(arguments[1].text, log)
    return UpdateTargets(selection, targets, where) if selection and targets else None


def _update_action(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    text = arguments[0].text
    head, colon, _ = text.value.partition(b":")
    selected = ids(text.cut(0, len(head)), log)
    link = number(text.cut(len(head) + 1, len(text.value)), 0, _CHAIN, log) if colon else 0
    found = actions(arguments[1], log)
    single(found, log)
    for action in found:
        if action.name in ("id", "phase", "chain"):
            log.wrong(action.where, f"{action.name} cannot be changed afterwards")
    if len(selected) != 1 or selected[0].first != selected[0].last or link is None:
        if selected:
            log.wrong(text.where, "one id only", "write the directive once for each rule")
        return None
    return UpdateActions(selected[0].first, link, found, where)


def _dataset(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    opening = arguments[1]
    if opening.raw != "`":
        log.wrong(opening.line.at(opening.start), "a backtick must stand here", _COUNTS[Form.DATASET][2])
        return None
    return Dataset(arguments[0].text.value, opening.line.block, where)


def _include(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    path = arguments[0].text
    if not path.value:
        log.wrong(where, "a path must stand here")
        return None
    return Include(path, spec.name == "IncludeOptional", where)


def _setting(spec: DirectiveSpec, arguments: list[Argument], where: Location, log: Log) -> Statement | None:
    """A directive with plain values. Words are given in the spelling of the table."""
    values = tuple(argument.text for argument in arguments)
    words = WORDS.get(spec.form)
    if spec.status is Status.FIXED:
        if values[0].value.decode("latin-1").lower() not in (word.lower() for word in spec.only):
            log.wrong(values[0].where, f"{spec.name} can only be {spec.only[0]} here", spec.why)
        return None
    if spec.form is Form.NUMBER and number(values[0], 0, _MOST, log) is None:
        return None
    if words:
        word = _word(values[0], words, spec, log)
        return Setting(spec.name, (word,), where) if word else None
    return Setting(spec.name, values, where)


def _word(value: Text, words: tuple[str, ...], spec: DirectiveSpec, log: Log) -> Text | None:
    got = value.value.decode("latin-1")
    for word in words:
        if word.lower() == got.lower():
            return Text(word.encode(), value.where)
    log.wrong(value.where, f"{spec.name} cannot be `{shown(got)}`", f"one of: {', '.join(words)}")
    return None


_READERS: dict[Form, Callable[[DirectiveSpec, list[Argument], Location, Log], Statement | None]] = {
    Form.MARKER: _marker,
    Form.REMOVE: _remove,
    Form.UPDATE_TARGET: _update_target,
    Form.UPDATE_ACTION: _update_action,
    Form.DATASET: _dataset,
    Form.INCLUDE: _include,
}
