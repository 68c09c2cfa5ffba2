"""The oracle: every rule on every value, one after the other, with nothing but the table of transformations and
`compile_operator` in common with the engine."""

from __future__ import annotations

import re

import re2

from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import FIELDS
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import Phase


def naive_phase(rule, protocol):
    phases = [rule.phase]
    for condition in rule.conditions:
        for target in condition.targets:
            if target.field == "matched" or protocol not in FIELDS[target.field].protocols:
                continue
            mail_header = protocol == "smtp" and target.field in ("headers", "headers.names")
            query = protocol == "http" and target.field.removesuffix(".names") in ("args", "args.plain", "args.size")
            phases.append(Phase.BODY if mail_header else Phase.HEAD if query else FIELDS[target.field].phase)
    return max(phases)


def _selected(target, tx):
    name = target.field
    base = re.sub(r"\.names\Z", "", name)
    if base != name and base in FIELDS and FIELDS[base].keyed:
        rows = [(k, k) for k in tx.fields.keys(base)]
    else:
        values, keys = list(tx.fields.values(name)), list(tx.fields.keys(name))
        rows = list(zip(keys or [b""] * len(values), values, strict=True))
    if target.key is not None:
        rows = [r for r in rows if r[0].lower() == target.key.lower()]
    if target.pattern is not None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.case_sensitive = False
        options.dot_nl = True
        search = re2.compile(b"(?m)" + target.pattern.encode("latin-1"), options).search
        rows = [r for r in rows if search(r[0])]
    return rows


def _rows(condition, tx, before):
    for target in condition.targets:
        if target.exclude:
            continue
        if target.field == "matched":
            yield from before
            continue
        rows = _selected(target, tx)
        for other in condition.targets:
            if other.exclude and other.field == target.field:
                gone = _selected(other, tx)
                rows = [r for r in rows if r not in gone]
        if target.count:
            yield target.field, target.key or b"", str(len(rows)).encode()
        else:
            for key, value in rows:
                yield target.field, key, value


def _accepted(condition, tx, before):
    tests = [compile_operator(o) for o in condition.operators]
    out = []
    for field, key, value in _rows(condition, tx, before):
        forms = [value]
        for name in condition.transformations:
            new = TRANSFORMATIONS[name](forms[-1])
            if new != forms[-1]:
                forms.append(new)
        for form in forms if condition.every_step else forms[-1:]:
            if any(t(form) for t in tests):
                out.append((field, key, form))
    return out


def naive_hit(rule, tx):
    """(field, key, value) of the finding, or None."""
    before, named = [], None
    for condition in rule.conditions:
        before = _accepted(condition, tx, before)
        if not before:
            return None
        if named is None or any(t.field == "matched" for t in condition.targets):
            named = before[0]
    return named


def naive_inspect(rules, tx, first, last):
    """[(rule id, phase, field, key)] of what an engine has to find, less what it has found before."""
    out = []
    done = {f.rule for f in tx.findings}
    for phase in Phase:
        if not first <= phase <= last:
            continue
        for rule in rules:
            if tx.protocol in rule.protocols and rule.id not in done and naive_phase(rule, tx.protocol) == phase:
                hit = naive_hit(rule, tx)
                if hit is not None:
                    out.append((rule.id, phase, hit[0], hit[1]))
    return out
