"""Rules and values as a person reads them: printable, cut, fields with the names that both languages have for them.

Pure functions; which of them stand together is for `explaining` and `showing`.
"""

from __future__ import annotations

import re
from typing import assert_never

from revproxy.detection.rules import (
    FIELDS,
    MATCHED,
    Assign,
    Chosen,
    Effect,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
    Target,
    Template,
)

SHOWN = 160
"""Most characters of a value."""
_LEAD = 40
"""Of these, so many before a match."""
_BYTE = re.compile(r"\\x([0-9a-f]{2})", re.ASCII)
_PSEUDO = {
    "tx": "TX",
    "tx.names": "TX_NAMES",
    MATCHED: "MATCHED_VARS",
    "matched.names": "MATCHED_VARS_NAMES",
    "matched.one": "MATCHED_VAR",
    "matched.name": "MATCHED_VAR_NAME",
    "id": "UNIQUE_ID",
}


def printable(value: bytes) -> str:
    """The value with bytes that are not printable ASCII escaped, and backslashes, so that it can be read back."""
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else rf"\x{b:02x}" for b in value)


def excerpt(value: bytes, span: tuple[int, int] | None = None) -> str:
    """Some of a value, with the beginning of the match inside."""
    first = max(0, min(span[0] - _LEAD, len(value) - SHOWN)) if span is not None else 0
    last = first + SHOWN
    return f"{'...' if first else ''}{printable(value[first:last])}{'...' if last < len(value) else ''}"


def variable_of(field: str) -> str:
    """SecLang's name of a field; empty where it has none."""
    spec = FIELDS.get(field)
    return spec.seclang if spec is not None else _PSEUDO.get(field, "")


def selector(target: Target, name: str) -> str:
    """A target with its field called `name`: `!name:key`, `count(name:/pattern/)`."""
    key = f":/{target.pattern}/" if target.pattern is not None else ""
    key = f":{printable(target.key)}" if target.key is not None else key
    body = f"count({name}{key})" if target.count else name + key
    return f"!{body}" if target.exclude else body


def template(parts: Template) -> str:
    """A text with its references, as SecLang writes them."""
    return "".join(printable(p) if isinstance(p, bytes) else f"%{{{_reference(p)}}}" for p in parts)


def _reference(part: Reference) -> str:
    name = (variable_of(part.field) or part.field).lower()
    return name if part.key is None else f"{name}.{printable(part.key)}"


def operator(one: Operator) -> str:
    """`not rx pattern`."""
    said = one.argument if isinstance(one.argument, str) else ", ".join(one.argument)
    said = template(one.template) if one.template else "".join(map(_shown, said))
    return f"{'not ' if one.negated else ''}{one.name} {said}".rstrip()


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return "".join(rf"\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def effect(one: Effect) -> str:
    """What a match does besides, in a few words."""
    match one:
        case SetVariable(name, Assign.UNSET, _):
            return f"tx.{template(name)} is gone"
        case SetVariable(name, how, value):
            sign = {Assign.ADD: "+", Assign.SUBTRACT: "-"}.get(how, "")
            return f"tx.{template(name)} {sign}= {template(value)}"
        case RemoveRules(rules):
            return f"rules {_chosen(rules)} do not run"
        case RemoveTarget(rules, field, key, pattern):
            lost = selector(Target(field, key, pattern), variable_of(field) or field)
            return f"rules {_chosen(rules)} do not look at {lost}"
        case SetControl(control, value):
            return f"{control}: {value}"
    assert_never(one)


def _chosen(rules: Chosen) -> str:
    ids = [str(low) if low == high else f"{low}-{high}" for low, high in rules.ids]
    tags = [f"tagged {_plain(tag)}" for tag in rules.tags]
    return ", ".join([*ids, *tags, *(f"that say {_plain(text)}" for text in rules.messages)])


def _plain(pattern: str) -> str:
    """The text of a pattern that finds one text as a whole; another one as it is."""
    if not (pattern.startswith(r"\A") and pattern.endswith(r"\z")):
        return f"/{pattern}/"
    return _BYTE.sub(lambda found: chr(int(found[1], 16)), pattern[2:-2])
