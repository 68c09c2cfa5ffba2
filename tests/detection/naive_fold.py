"""The oracle of folding: rules run as they are written, one after the other, and nothing is known beforehand."""

from __future__ import annotations

import re

from revproxy.detection.link.fold import own_phase
from revproxy.detection.rules import Assign, Marker, RemoveRules, RemoveTarget, SetControl
from revproxy.model import Action, Phase, Protocol

HEAD, BODY, REPLY_HEAD, REPLY_BODY, LOG = Phase


class Naive:
    """One transaction: `schedule` are the phases that it goes through, `args` keys and values, `without` ids of rules
    that are not in it."""

    def __init__(self, listed, variables, schedule, args, protocol=Protocol.HTTP, phases=own_phase, without=()):
        self.listed, self.args, self.protocol, self.phases = listed, args, protocol, phases
        self.tx = dict(variables)
        self.last, self.over, self.gone, self.lost, self.done = ("", b"", b""), set(), [], [], set(without)
        self.seen = []
        """Whatever others see: matches with a face, and controls."""
        for phase in schedule:
            self.phase(phase)

    def phase(self, phase):
        at = 0
        while at < len(self.listed):
            rule = self.listed[at]
            at += 1
            if isinstance(rule, Marker) or self.phases(rule) is not phase or self.protocol not in rule.protocols:
                continue
            if phase in self.over or rule.id in self.done or any(self.chosen(c, rule) for c in self.gone):
                continue
            if not self.matches(rule):
                continue
            if rule.logs or rule.score:
                self.done.add(rule.id)
            if rule.passes is not None:
                request = {HEAD, BODY, phase}
                self.over |= {"phase": {phase}, "request": request}.get(rule.passes, set(Phase) - {LOG})
            at = self.after(rule, at)

    def after(self, rule, at):
        """Where to go on."""
        if rule.skip_after:
            names = [e.name if isinstance(e, Marker) else e.id for e in self.listed]
            return names.index(rule.skip_after, at) + 1
        same = [n for n in range(at, len(self.listed)) if getattr(self.listed[n], "phase", None) is rule.phase]
        return same[: rule.skip][-1] + 1 if rule.skip and same else at

    def matches(self, rule):
        before = []
        for condition in rule.conditions:
            before = list(self.accepted(rule, condition, before))
            if not before:
                return False
        if rule.logs or rule.score or rule.action is not Action.ALLOW:
            texts = [self.text(rule.said), self.text(rule.data)] if rule.conditions else []
            self.seen.append((rule.id, rule.logs, rule.score, rule.action, *texts))
        return True

    def accepted(self, rule, condition, before):
        rows = [r for t in condition.targets if not t.exclude for r in self.rows(rule, condition, t, before)]
        texts = [self.text(o.template) if o.template else o.argument.encode() for o in condition.operators]
        if not [t for t in condition.targets if not t.exclude]:
            yield self.accept(condition, ("", b"", b""), None)
            return
        order = sorted(range(len(texts)), key=lambda n: bool(condition.operators[n].template))
        for field, key, value in rows:
            forms = [value]
            for name in condition.transformations:
                new = {"lowercase": bytes.lower, "length": lambda v: str(len(v)).encode()}[name](forms[-1])
                forms += [new] if new != forms[-1] else []
            for form in forms if condition.every_step else forms[-1:]:
                for n in order:
                    found = self.test(condition.operators[n], texts[n], form)
                    if found is not None:
                        yield self.accept(condition, (field, key, form), found)
                        break

    @staticmethod
    def test(operator, text, value):
        """What is captured, or None."""
        if operator.name == "rx":
            try:
                match = re.search(b"(?s)" + text, value)
            except re.error:
                return None
            found = None if match is None else (match.group(0), *match.groups())
        else:
            a, b = number(value), number(text)
            found = {
                "eq": a == b,
                "lt": a < b,
                "ge": a >= b,
                "streq": value == text,
                "within": value in text,
                "unconditionalMatch": True,
            }[operator.name]
            found = () if found else None
        return found if not operator.negated else () if found is None else None

    def accept(self, condition, row, found):
        self.last = row
        if condition.capture and found:
            self.tx.update({b"%d" % n: group for n, group in enumerate(found) if group is not None})
        for effect in condition.effects:
            self.effect(effect)
        return row

    def effect(self, effect):
        if isinstance(effect, RemoveRules):
            self.gone.append(effect.rules)
        elif isinstance(effect, RemoveTarget):
            self.lost.append(effect)
        elif isinstance(effect, SetControl):
            self.seen.append((effect.control, effect.value))
            if (effect.control, effect.value) == ("engine", "off"):
                self.over = set(Phase)
        else:
            name, value = self.text(effect.name).lower(), self.text(effect.value)
            old = number(self.tx.get(name, b""))
            if effect.how is Assign.UNSET:
                self.tx.pop(name, None)
            else:
                step = number(value)
                self.tx[name] = {"=": value, "+": b"%d" % (old + step), "-": b"%d" % (old - step)}[effect.how]

    def chosen(self, chosen, rule):
        inside = rule.id.isdigit() and any(low <= int(rule.id) <= high for low, high in chosen.ids)
        tagged = any(re.search(t, tag) for t in chosen.tags for tag in rule.tags)
        return inside or tagged or any(re.search(m, rule.message) for m in chosen.messages)

    def rows(self, rule, condition, target, before):
        rows = self.all(target.field, before)
        out = [t for t in condition.targets if t.exclude] + [e for e in self.lost if self.chosen(e.rules, rule)]
        rows = [r for r in rows if picks(target, r[1])]
        rows = [r for r in rows if not any(t.field == target.field and picks(t, r[1]) for t in out)]
        return [(target.field, target.key or b"", b"%d" % len(rows))] if target.count else rows

    def all(self, field, before):
        name = self.last[0].encode() + b":" + self.last[1]
        return {
            "args": lambda: [("args", k, v) for k, v in self.args],
            # Variables come in no particular order.
            "tx": lambda: [("tx", k, v) for k, v in sorted(self.tx.items())],
            "tx.names": lambda: [("tx.names", k, k) for k in sorted(self.tx)],
            "matched": lambda: before,
            "matched.names": lambda: [("", b"", f.encode() + b":" + k) for f, k, v in before],
            "matched.one": lambda: [("", b"", self.last[2])],
            "matched.name": lambda: [("", b"", name)],
        }[field]()

    def text(self, template):
        return b"".join(p if isinstance(p, bytes) else self.first(p) for p in template)

    def first(self, reference):
        rows = self.all(reference.field, [])
        if reference.key is not None:
            rows = [r for r in rows if r[1].lower() == reference.key]
        return rows[0][2] if rows else b""


def number(text):
    found = re.match(rb"[ \t]*([+-]?[0-9]+)", text)
    return int(found[1]) if found else 0


def picks(target, key):
    if target.key is not None:
        return key.lower() == target.key.lower()
    return target.pattern is None or re.search(b"(?i)" + target.pattern.encode(), key) is not None
