"""The oracle for rules with effects: one rule after the other, nothing remembered, nothing ruled out beforehand."""

from __future__ import annotations

import re

import re2
from naive import _selected

from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import (
    FIELDS,
    Control,
    Marker,
    Operator,
    Reference,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import Phase


class World:
    def __init__(self, variables=()):
        self.tx = dict(variables)
        self.removed, self.lost, self.over = set(), [], set()
        self.controls = {}
        self.last = ("", b"", b"")


OWN = {
    "tx": "TX",
    "tx.names": "TX",
    "matched.one": "MATCHED_VAR",
    "matched.name": "MATCHED_VAR_NAME",
    "matched.names": "MATCHED_VARS_NAMES",
    "id": "UNIQUE_ID",
}


def full_name(field, key):
    name = ((FIELDS[field].seclang or field) if field in FIELDS else OWN.get(field, field)).encode()
    return name + b":" + key if key else name


def text(template, world, tx):
    out = b""
    for part in template:
        if isinstance(part, Reference):
            rows = rows_of(part.field, part.key, None, world, tx, [])
            part = rows[0][2] if rows else b""
        out += part
    return out


def rows_of(field, key, pattern, world, tx, before):
    if field == "tx":
        rows = [("tx", k, v) for k, v in world.tx.items()]
    elif field == "tx.names":
        rows = [(field, k, k) for k in world.tx]
    elif field == "matched":
        rows = list(before)
    elif field == "matched.names":
        rows = [(field, b"", full_name(f, k)) for f, k, v in before]
    elif field == "matched.one":
        rows = [(field, b"", world.last[2])]
    elif field == "matched.name":
        rows = [(field, b"", full_name(*world.last[:2]))]
    else:
        return [(field, k, v) for k, v in _selected(Target(field, key, pattern), tx)]
    if key is not None:
        rows = [r for r in rows if r[1].lower() == key.lower()]
    if pattern is not None:
        rows = [r for r in rows if re2.search(b"(?ism)" + pattern.encode(), r[1])]
    return rows


def number(data):
    found = re.match(rb"[ \t\n\v\f\r]*([+-]?[0-9]+)", data)
    return int(found[1]) if found else 0


def chosen(what, rule):
    inside = rule.id.isdigit() and any(a <= int(rule.id) <= b for a, b in what.ids)
    return inside or any(re2.search(t, tag) for t in what.tags for tag in rule.tags)


def effect(what, world, tx):
    if isinstance(what, SetVariable):
        name = text(what.name, world, tx).lower()
        value = text(what.value, world, tx)
        if what.how == "!":
            world.tx.pop(name, None)
        elif what.how == "=":
            world.tx[name] = value
        else:
            step = number(value) if what.how == "+" else -number(value)
            world.tx[name] = str(number(world.tx.get(name, b"")) + step).encode()
    elif isinstance(what, SetControl):
        if (what.control, what.value) == (Control.ENGINE, "off"):
            world.over = set(Phase)
        else:
            world.controls[what.control] = what.value
    elif hasattr(what, "field"):
        world.lost.append(what)
    else:
        world.removed.add(what.rules)


def condition_rows(condition, rule, world, tx, before):
    lost = [e for e in world.lost if chosen(e.rules, rule)]
    for target in condition.targets:
        if target.exclude:
            continue
        rows = rows_of(target.field, target.key, target.pattern, world, tx, before)
        out = [(t.field, t.key, t.pattern) for t in condition.targets if t.exclude] + [
            (e.field, e.key, e.pattern) for e in lost
        ]
        for field, key, pattern in out:
            if field == target.field:
                gone = rows_of(field, key, pattern, world, tx, before)
                rows = [r for r in rows if r not in gone]
        if target.count:
            rows = [(target.field, target.key or b"", str(len(rows)).encode())]
        yield from rows


def accepted(condition, rule, world, tx, before):
    out = []
    if not condition.targets:
        for what in condition.effects:
            effect(what, world, tx)
        return [("", b"", b"")]
    tests = []
    for operator in condition.operators:
        if operator.template:
            filled = text(operator.template, world, tx).decode("utf-8", "surrogateescape")
            operator = Operator(operator.name, filled, operator.negated)
        tests.append(compile_operator(operator))
    for field, key, value in condition_rows(condition, rule, world, tx, before):
        forms = [value]
        for name in condition.transformations:
            new = TRANSFORMATIONS[name](forms[-1])
            if new != forms[-1]:
                forms.append(new)
        for form in forms if condition.every_step else forms[-1:]:
            for test in tests:
                if test(form):
                    out.append((field, key, form))
                    world.last = out[-1]
                    if condition.capture:
                        for at, group in enumerate(test.groups(form)):
                            if group is not None:
                                world.tx[b"%d" % at] = group
                    for what in condition.effects:
                        effect(what, world, tx)
                    break
    return out


def naive_flow(listed, tx, first, last, world):
    """[(rule id, phase)] of what logs, in order."""
    out = []
    for phase in Phase:
        waiting, skip = None, 0
        for rule in listed if first <= phase <= last else ():
            if isinstance(rule, Marker):
                waiting = None if waiting == rule.name else waiting
                continue
            if waiting is not None:
                waiting = None if waiting == rule.id else waiting
                continue
            if rule.phase == phase and skip:
                skip -= 1
                continue
            if (
                naive_phase_of(rule, tx) != phase
                or phase in world.over
                or any(chosen(w, rule) for w in world.removed)
            ):
                continue
            before = []
            for condition in rule.conditions:
                before = accepted(condition, rule, world, tx, before)
                if not before:
                    break
            else:
                if rule.logs:
                    out.append((rule.id, phase))
                if world.controls.get(Control.ENGINE) == "detect":
                    pass  # Where rules only detect, nothing is cut short.
                elif rule.passes is Scope.PHASE:
                    world.over.add(phase)
                elif rule.passes is Scope.REQUEST:
                    world.over |= {phase, Phase.HEAD, Phase.BODY}
                elif rule.passes is Scope.TRANSACTION:
                    world.over |= set(Phase) - {Phase.LOG}
                waiting, skip = rule.skip_after or None, rule.skip
    return out


def naive_phase_of(rule, tx):
    return rule.phase if tx.protocol in rule.protocols else None
