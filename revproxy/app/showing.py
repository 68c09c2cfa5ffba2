"""One rule as it was understood, whichever language it is written in: what it looks at and does, what folding made of
it, and how the engine finds out whether it can match.

`describe` gives plain data, as `--json` prints it; `lines` the same for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from revproxy.app.samples import samples_of
from revproxy.app.seclang import NO_SECLANG, folded, lowered
from revproxy.app.wording import SHOWN, effect, operator, printable, selector, variable_of
from revproxy.detection.link import Group, RuleSet, link
from revproxy.detection.link.looks import look_of
from revproxy.detection.link.ruleset import Item, Look
from revproxy.detection.rules import MATCHED, Condition, Rule, Target
from revproxy.detection.sigyaml import Sample, Signature, always_runs, load_all, lower
from revproxy.inspection.sources import read_signature_files
from revproxy.model import Action

_REASONS = {
    "never": "it can never match: the variables that it looks at are constant",
    "folded": "nothing of it depends on a transaction: what it does is done before one begins",
    "without purpose": "nobody asks for what it does",
}
_HOW = {
    Look.SCAN: "scanned for in Hyperscan",
    Look.TRY: "tried once for each value, then remembered",
    Look.COUNT: "decided by the names that are there, then remembered",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Rules by id: as written, as signatures, and as folding left them; why others are not left."""

    rules: Mapping[str, Rule]
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    left: Mapping[str, Rule] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    """By id; rules of an engine that is off are in neither."""


def known_rules(signatures: Sequence[str], rules: Sequence[str], paranoia: int = 0) -> Known:
    """Read signatures and SecLang rules. Raises LocatedError, ManyErrors."""
    ours = {one.id: one for one in load_all(read_signature_files(signatures))}
    read = lowered(rules)
    seclang = folded(read, paranoia) if rules else NO_SECLANG
    written = [*map(lower, ours.values()), *(rule for rule in read.rules if isinstance(rule, Rule))]
    left = {rule.id: rule for rule in seclang.rules if isinstance(rule, Rule)}
    return Known({rule.id: rule for rule in written}, ours, left, dict(seclang.removed))


def describe(name: str, known: Known) -> dict[str, Any]:
    """All about one of these rules."""
    rule, signature = known.rules[name], known.signatures.get(name)
    runs = rule if signature is not None else known.left.get(name)
    told: dict[str, Any] = {
        "id": rule.id,
        "message": rule.message,
        "origin": str(rule.origin),
        "protocols": sorted(map(str, rule.protocols)),
        "phase": rule.phase.name.lower(),
        "phase_number": int(rule.phase),
        "severity": rule.severity.name.lower(),
        "score": rule.score,
        "action": None if rule.action is Action.ALLOW else rule.action.value,
        "status": rule.status or None,
        "logs": rule.logs,
        "tags": list(rule.tags),
        "goes_on": _goes_on(rule),
        "conditions": _conditions(rule, rule if runs is rule else None),
    }
    if signature is not None:
        told |= {"why": signature.why, "references": list(signature.references), "always": always_runs(rule)}
        told["samples"] = [{"match": expected, "sample": sample_line(s)} for s, expected in samples_of(signature)]
    elif runs is None:
        told["folding"] = {"left": False, "why": _why(known.removed.get(name, ""), known)}
    elif runs is not rule:
        told["folding"] = {"left": True, "why": "simplified", "conditions": _conditions(runs, runs)}
    return told


def _why(reason: str, known: Known) -> str:
    verb, _, other = reason.partition(" by ")
    by = known.rules.get(other)
    if by is None:
        return _REASONS.get(reason, reason or "the rules say SecRuleEngine Off")
    first = by.conditions[0]
    looks = " ".join([*(_target(t) for t in first.targets), *map(operator, first.operators)])
    return f"{verb} by {other}, which always matches" + (f" ({looks})" if looks else "")


def _goes_on(rule: Rule) -> str:
    if rule.passes is not None:
        return f"lets pass what is left of the {rule.passes.value}"
    if rule.skip_after:
        return f"goes on at {rule.skip_after}"
    return f"passes over {rule.skip} rules" if rule.skip else ""


def _conditions(rule: Rule, runs: Rule | None) -> list[dict[str, Any]]:
    """`runs`: the same, if the engine runs it so."""
    # Where a rule goes on needs rules to go on at, and says nothing of how it is looked for.
    linked = link([replace(runs, skip=0, skip_after="")]) if runs is not None else None
    return [_condition(one, number, linked) for number, one in enumerate(rule.conditions)]


def _condition(one: Condition, number: int, linked: RuleSet | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "targets": [_target(target) for target in one.targets],
        "seclang": [_seclang(target) for target in one.targets],
        "transformations": list(one.transformations),
        "each_step": one.every_step,
        "operators": [operator(each) for each in one.operators],
        "capture": one.capture,
        "effects": [effect(each) for each in one.effects],
    }
    return told if linked is None else {**told, "engine": _engine(one, number, linked)}


def _engine(one: Condition, number: int, linked: RuleSet) -> str:
    """How the engine finds out whether the condition can match."""
    if not one.targets:
        return "always holds"
    if all(target.field == MATCHED for target in one.targets):
        return "tried on what the condition before accepted"
    look = look_of(one)
    items = [(g, at, i) for g in linked.groups for at, i in enumerate(g.items) if i.condition == number]
    if look is None:
        return "tried each time"
    if not items:
        return "tried each time, by google-re2: its pattern cannot be looked for"
    if any(_heavy(group, at) for group, at, _ in items):
        return "looked for by google-re2: Hyperscan does not take its pattern"
    return _HOW[look] + _classes(items)


def _classes(items: Sequence[tuple[Group, int, Item]]) -> str:
    return ", with values of class " + " and ".join(dict.fromkeys(group.klass.value for group, _, _ in items))


def _heavy(group: Group, at: int) -> bool:
    return any(number == len(group.triggers) + at for number, _ in group.databases.heavy)


def _target(target: Target) -> str:
    return "the same value" if target.field == MATCHED else selector(target, target.field)


def _seclang(target: Target) -> str:
    """In SecLang's words; empty where it has none."""
    name = variable_of(target.field)
    if not name:
        return ""
    said = selector(replace(target, count=False, exclude=False), name)
    return f"{'!' if target.exclude else ''}{'&' if target.count else ''}{said}"


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What `describe` gave, for a person."""
    yield f"{told['id']}: {told['message']}" if told["message"] else told["id"]
    if "why" in told:
        yield f"  {told['why']}"
    yield f"  origin      {told['origin']}"
    if "references" in told:
        yield f"  references  {', '.join(told['references'])}"
    yield f"  protocols   {', '.join(told['protocols'])}"
    yield f"  phase       {told['phase']} ({told['phase_number']})"
    yield f"  severity    {told['severity']}: {_does(told)}"
    yield f"  tags        {', '.join(told['tags'])}"
    if told["goes_on"]:
        yield f"  then        {told['goes_on']}"
    if told.get("always"):
        yield "  note        runs on every transaction: nothing in it can be searched for"
    yield from _condition_lines(told["conditions"])
    if folding := told.get("folding"):
        yield from _folding_lines(folding)
    for one in told.get("samples", ()):
        yield f"  {'match' if one['match'] else 'pass '}  {one['sample']}"


def _does(told: Mapping[str, Any]) -> str:
    """What a match does."""
    words = {"deny": "denies by itself", "drop": "drops the connection by itself"}
    status = f" with status {told['status']}" if told["action"] == "deny" and told["status"] else ""
    said = [f"scores {told['score']}"] if told["score"] or not told["conditions"][0].get("effects") else []
    said += [words[told["action"]] + status] if told["action"] else []
    said += [] if told["logs"] else ["does not log"]
    return ", ".join(said) or "logs"


def _folding_lines(folding: Mapping[str, Any]) -> Iterator[str]:
    if not folding["left"]:
        yield f"  folding     the rule is gone: {folding['why']}"
        return
    yield "  folding     what is constant is filled in or left out; the engine runs:"
    yield from (f"  {line}" for line in _condition_lines(folding["conditions"]))


def _condition_lines(conditions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, one in enumerate(conditions, 1):
        steps = ", at each step" if one["each_step"] else ""
        chain = " > ".join(one["transformations"]) or "as it is"
        pairs = zip(one["targets"], one["seclang"], strict=True)
        targets = ", ".join(f"{ours} ({theirs})" if theirs else ours for ours, theirs in pairs) or "nothing"
        yield f"  condition {number}: {targets} ({chain}{steps})"
        yield from (f"      {said}" for said in one["operators"])
        if "engine" in one:
            yield f"      engine: {one['engine']}"
        yield from ("      captures",) if one["capture"] else ()
        yield from (f"      -> {said}" for said in one["effects"])


def sample_line(sample: Sample) -> str:
    """A sample in one line, cut; bytes that are not printable ASCII are escaped."""
    words = []
    for name, pairs in sample.fields:
        words += [f"{name}{':' if key else ''}{printable(key)}={printable(value)}" for key, value in pairs]
    line = " ".join(words)
    return line if len(line) <= SHOWN else line[:SHOWN] + "..."
