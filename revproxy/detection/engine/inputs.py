"""What the outcome of running a rule depends on, where that is few and steady things.

Rules that compare scores, or look at the method, the names of header fields or the type of a body, do the same again
whenever those are the same. Invariant: two runs of a rule with equal inputs end alike and leave the same behind.
Which outcomes are kept belongs to `stretches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from revproxy.detection.engine.reading import key_test
from revproxy.detection.link.asked import named_by
from revproxy.detection.link.looks import REMEMBERED, look_of
from revproxy.detection.rules import (
    AS_WRITTEN,
    BODY_TYPE,
    FIELDS,
    MATCHED,
    MATCHED_NAME,
    MATCHED_NAMES,
    MATCHED_ONE,
    PSEUDO,
    VARIABLE_NAMES,
    VARIABLES,
    Assign,
    Condition,
    Effect,
    FieldClass,
    Reference,
    Rule,
    SetVariable,
    Target,
    Template,
    constant,
)

_OF_THE_CHAIN: Final = frozenset({MATCHED, MATCHED_NAMES, MATCHED_ONE, MATCHED_NAME})
"""Where no rule looks at what another accepted (`RuleSet.last_matters`), these follow from the rest."""
_DIGITS: Final = tuple(b"%d" % number for number in range(10))


@dataclass(frozen=True, slots=True)
class Inputs:
    """`fields`: a field (or `X.names`) and the key of the values that matter, None for all. `variables`: names of
    those that are read or written. Unless `others` is None, those whose names do not stand in the rules (`names_in`)
    matter too, and the order in which they and the ones named in `others` were set."""

    fields: frozenset[Reference]
    variables: frozenset[bytes]
    others: frozenset[bytes] | None


def names_in(rules: Iterable[Rule], variables: Iterable[bytes] = ()) -> frozenset[bytes]:
    """The names of variables that stand in the rules, and these: all that do not come from what a client sends."""
    effects = (e for r in rules for c in r.conditions for e in c.effects if isinstance(e, SetVariable))
    fixed = {name.lower() for e in effects if (name := constant(e.name)) is not None}
    return frozenset({*fixed, *variables, *_DIGITS})


def inputs_of(rule: Rule, names: frozenset[bytes], confirmed: bool = False) -> Inputs | None:
    """None when the outcome depends on what hardly ever comes again. `names` are those of all the rules; `confirmed`:
    it only runs where a scan found its first condition, and never loses a target."""
    found = set(_reads(rule, confirmed and decided(rule)))
    fields = frozenset(r for r in found if r.field != VARIABLES)
    if not all(map(_steady, fields)):
        return None
    keys = {r.key for r in found if r.field == VARIABLES and r.key is not None}
    choices = [key_test(t) for c in rule.conditions for t in c.targets if _chooses(t)]
    given = [e.name for c in rule.conditions for e in c.effects if isinstance(e, SetVariable)]
    made = [name for name in given if constant(name) is None]
    keys |= {name for name in names if any(_may_be(template, name) for template in made)}
    chosen = frozenset(name for name in names if any(test is None or test(name) for test in choices))
    others = chosen if choices or made or not keys <= names else None
    return Inputs(fields, frozenset(keys), others)


def _may_be(template: Template, name: bytes) -> bool:
    """Whether the text of a template may become this name."""
    first, last = template[0], template[-1]
    begins = not isinstance(first, bytes) or name.startswith(first.lower())
    return begins and (not isinstance(last, bytes) or name.endswith(last.lower()))


def _chooses(target: Target) -> bool:
    """Whether it looks at variables whose names it does not say."""
    return target.field in (VARIABLES, VARIABLE_NAMES) and target.key is None


def decided(rule: Rule) -> bool:
    """Whether the rule matches where a scan finds its condition, and it is known beforehand what it leaves then."""
    condition = rule.conditions[0]
    fields = {t.field for t in condition.targets}
    # A rule before it may change how a body is read.
    known = BODY_TYPE not in fields and look_of(condition) is not None
    exact = known and all(not t.exclude and FIELDS[t.field].klass in REMEMBERED for t in condition.targets)
    quiet = not rule.logs and not condition.capture and len(rule.conditions) == 1
    return exact and quiet and all(map(_same_again, condition.effects))


def _same_again(effect: Effect) -> bool:
    """Whether carrying it out twice is as good as once, whatever was accepted."""
    if not isinstance(effect, SetVariable):
        return True
    return effect.how is Assign.SET and constant(effect.name) is not None and constant(effect.value) is not None


def _reads(rule: Rule, known: bool) -> Iterator[Reference]:
    """What the rule looks at; with `known` it matches whatever that is."""
    for condition in rule.conditions:
        if not known:
            for target in condition.targets:
                yield from _of_target(target)
        yield from _of_condition(condition)
    if rule.logs:
        yield from _of_template((*rule.said, *rule.data))
    yield from _spellings(rule)


def _spellings(rule: Rule) -> Iterator[Reference]:
    """Names of accepted header fields are told as they were written."""
    asked = set(named_by(rule))
    if not asked.isdisjoint((MATCHED_NAME, MATCHED_NAMES)):
        yield from (Reference(written) for field, written in AS_WRITTEN.items() if field in asked)


def _of_condition(condition: Condition) -> Iterator[Reference]:
    if condition.capture:
        yield from (Reference(VARIABLES, digit) for digit in _DIGITS)
    for operator in condition.operators:
        yield from _of_template(operator.template)
    for effect in condition.effects:
        if isinstance(effect, SetVariable):
            name = constant(effect.name)
            yield Reference(VARIABLES, None if name is None else name.lower())
            yield from _of_template((*effect.name, *effect.value))


def _of_target(target: Target) -> Iterator[Reference]:
    name = VARIABLES if target.field == VARIABLE_NAMES else target.field
    if name in _OF_THE_CHAIN:
        return
    if name not in PSEUDO and target.count and FIELDS[name].keyed:
        name += ".names"
    yield Reference(name, target.key if not name.endswith(".names") else None)


def _of_template(template: Template) -> Iterator[Reference]:
    return (p for p in template if isinstance(p, Reference) and p.field not in _OF_THE_CHAIN)


def _steady(read: Reference) -> bool:
    """Whether what is read comes again and again: names of header fields, single ones, words of the protocol."""
    base = read.field.removesuffix(".names")
    if base not in FIELDS:
        return False
    named = base != read.field or read.field in AS_WRITTEN.values()
    match FIELDS[base].klass:
        case FieldClass.LINE:
            return True
        case FieldClass.HEADER:
            return named or read.key is not None
        case _:
            return False
