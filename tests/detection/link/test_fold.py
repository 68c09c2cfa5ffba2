"""Folding against an interpreter that runs the rules as they are written, one after the other."""

import re

import pytest
from builders import HTTP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revproxy.detection.link.fold import fold, own_phase
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Condition,
    Control,
    Marker,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    Rule,
    Scope,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.errors import Location, RuleError
from revproxy.model import Action, Phase, Protocol, Severity

SMTP = frozenset({Protocol.SMTP})
HEAD, BODY, REPLY_HEAD, REPLY_BODY, LOG = Phase


class Naive:
    """One transaction: `schedule` are the phases that it goes through, `args` keys and values."""

    def __init__(self, listed, variables, schedule, args, protocol=Protocol.HTTP, phases=own_phase):
        self.listed, self.args, self.protocol, self.phases = listed, args, protocol, phases
        self.tx = dict(variables)
        self.last, self.over, self.gone, self.lost, self.done = ("", b"", b""), set(), [], [], set()
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


# Rules in few words.


def when(field, operator="unconditionalMatch", *effects, **more):
    """`field`: `tx:a`, `&tx:a`, `tx/^a/`, `args`, or nothing; operator: `!eq 1`."""
    targets = ()
    if field:
        name, _, key = field.lstrip("&").partition(":")
        pattern = None
        if "/" in name:
            name, pattern = name.split("/")[:2]
        targets = (Target(name, key.encode() if key else None, pattern, field.startswith("&")),)
    name, _, argument = operator.partition(" ")
    made = Operator(name.lstrip("!"), argument, name.startswith("!"))
    if "%" in argument:
        made = Operator(made.name, "", made.negated, template(argument))
    return Condition(targets, (made,) if targets else (), effects=effects, **more)


def template(text):
    """`a%{tx.b}c` with `%b%` for the variable `b`, `%args:x%` for a field, `%matched.one%`."""
    parts = []
    for number, piece in enumerate(text.split("%")):
        if number % 2 == 0:
            parts += [piece.encode()] if piece else []
        elif ":" in piece or "." in piece:
            field, _, key = piece.partition(":")
            parts.append(Reference(field, key.encode() if key else None))
        else:
            parts.append(Reference("tx", piece.encode()))
    return tuple(parts)


def put(name, value="1", how="="):
    return SetVariable(template(name), Assign(how), template(value))


def rule(name, *conditions, phase=HEAD, protocols=HTTP, logs=False, score=0, message="m", **more):
    return Rule(name, protocols, phase, conditions, Severity.NOTICE, score, message, logs=logs, **more)


def at_run(name, field="args", operator="rx x", *effects, **more):
    """A rule that depends on the transaction."""
    return rule(name, when(field, operator, *effects), **more)


def left(folded):
    return [entry.id for entry in folded.rules if isinstance(entry, Rule)]


def only(folded):
    (entry,) = [entry for entry in folded.rules if isinstance(entry, Rule)]
    return entry


# What is asked of folding, one by one.


def test_initialisation_becomes_variables():
    folded = fold(
        [
            rule("1", when("&tx:level", "eq 0", put("level", "2"))),
            rule("2", when("&tx:other", "eq 0", put("other", "%level%"))),
            rule("3", when("&tx:level", "eq 0", put("level", "9"))),
            at_run("4", "args", "rx %unset%x%level%%other%", logs=True),
            at_run("5", "tx/^(level|oth)", "eq %args:a%", logs=True),
        ]
    )
    assert folded.variables == {b"level": b"2", b"other": b"2"}
    assert folded.removed == {"1": "folded", "2": "folded", "3": "never"}
    assert folded.rules[0].conditions[0].operators == (Operator("rx", "x22"),)


def test_given_variables_are_known():
    listed = [rule("1", when("&tx:a", "eq 0", put("a"))), rule("2", when("tx:a", "eq 5"), logs=True)]
    assert fold(listed, {b"A": b"5"}, frozenset({b"A"})).variables == {b"a": b"5"}
    assert left(fold(listed, {b"a": b"5"})) == ["2"]
    assert fold(listed).removed == {"1": "folded", "2": "never"}


def gates(level):
    return [
        rule("0", when("", "", put("level", level))),
        at_run("1", logs=True),
        rule("2", when("tx:level", "lt 2"), skip_after="end"),
        rule("3", when("tx:level", "lt 2"), phase=BODY, skip_after="END"),
        at_run("4", logs=True),
        at_run("5", logs=True, phase=BODY),
        rule("6", when("tx:level", "lt 3"), skip_after="END"),
        at_run("7", logs=True),
        Marker("END"),
        at_run("8", logs=True),
        Marker("END"),
    ]


def test_level_gates_are_carried_out():
    assert left(fold(gates("1"))) == ["1", "8"]
    assert left(fold(gates("2"))) == ["1", "4", "5", "8"]
    assert left(fold(gates("3"))) == ["1", "4", "5", "7", "8"]
    assert fold(gates("1")).removed == {
        "0": "folded",
        "2": "folded",
        "3": "folded",
        "4": "skipped by 2",
        "5": "skipped by 3",
        "6": "skipped by 2",
        "7": "skipped by 2",
    }


def test_a_gate_that_may_be_removed_stands_for_what_is_removed_with_it():
    remove = at_run("r", "args", "rx off", RemoveRules(Chosen(tags=("^crs$",))))
    tagged = [
        remove,
        rule("0", when("", "", put("level"))),
        rule("1", when("tx:level", "eq 1"), skip_after="END", tags=("crs",)),
        at_run("2", logs=True, tags=("crs", "more")),
        at_run("3", logs=True, tags=("other",)),
        Marker("END"),
    ]
    assert left(fold(tagged)) == ["r", "1", "3"]
    assert left(fold([*tagged[:4], tagged[5]])) == ["r"]


def test_what_a_removed_rule_says_holds_for_those_removed_with_it():
    crs = {"tags": ("crs",)}
    listed = [
        at_run("r", "args", "rx off", RemoveRules(Chosen(tags=("^crs$",)))),
        rule("0", when("&tx:level", "eq 0", put("level")), **crs),
        rule("1", when("tx:level", "lt 2"), skip_after="END", **crs),
        at_run("2", logs=True, **crs),
        Marker("END"),
        at_run("3", "tx/^lev", "eq %args:a%", logs=True, **crs),
    ]
    folded = fold(listed)
    assert left(folded) == ["r", "3"]
    assert folded.variables == {b"level": b"1"}
    other = at_run("4", "tx/^lev", "eq %args:a%", logs=True)
    assert left(fold([*listed, other])) == ["r", "0", "3", "4"]


def test_a_way_into_what_a_gate_passes_over():
    listed = [
        at_run("1", skip_after="MID"),
        rule("2", when("", ""), skip_after="END"),
        at_run("3", logs=True),
        Marker("MID"),
        at_run("4", logs=True),
        Marker("END"),
    ]
    assert left(fold(listed)) == ["1", "2", "4"]


def test_a_gate_does_not_stand_before_rules_of_other_protocols():
    both = at_run("2", logs=True, protocols=HTTP | SMTP)
    listed = [rule("1", when("", ""), skip_after="END"), both, at_run("3", logs=True), Marker("END")]
    assert left(fold(listed)) == ["1", "2"]
    assert left(fold([rule("1", when("", "", RemoveRules(Chosen(ids=((2, 3),))))), both, listed[2]])) == ["1", "2"]


def test_variables_of_one_protocol_say_nothing_of_another():
    listed = [rule("1", when("", "", put("a"))), at_run("2", "tx:a", "eq 1", logs=True, protocols=HTTP | SMTP)]
    assert left(fold(listed)) == ["1", "2"]
    assert fold(listed).rules == tuple(listed)


def test_a_certain_removal_is_carried_out():
    listed = [
        at_run("1", logs=True, tags=("t",)),
        rule("2", when("", "", RemoveRules(Chosen(ids=((4, 5),), tags=("t",), messages=("^mess",))))),
        at_run("3", logs=True, tags=("t",)),
        at_run("4", logs=True, phase=LOG),
        at_run("6", logs=True),
        at_run("7", logs=True, message="message"),
    ]
    folded = fold(listed)
    assert left(folded) == ["1", "6"]
    assert folded.removed == {"2": "folded", **dict.fromkeys("347", "removed by 2")}


def test_what_always_holds_goes_from_a_chain():
    held = rule(
        "1",
        when("&tx:limit", "eq 1", put("seen", "%limit%")),
        when("args", "rx x", put("score", "%limit%", "+")),
        when("tx:limit", "eq 7"),
        passes=Scope.PHASE,
    )
    folded = fold([held], {b"limit": b"7"}, frozenset({b"score", b"seen"}))
    (condition,) = only(folded).conditions
    assert condition.effects == (SetVariable((b"score",), Assign.ADD, (b"7",)),)
    assert folded.variables == {b"seen": b"7"}
    logged = rule("1", when("&tx:limit", "eq 1"), when("args", "eq %limit%"), when("tx:limit"), logs=True)
    assert only(fold([logged], {b"limit": b"7"})).conditions == (when("args", "eq 7"),)


def test_what_never_holds_leaves_the_effects_before_it():
    failing = rule("1", when("args", "rx x", put("a")), when("args"), when("&tx:b", "eq 1"), when("args"), logs=True)
    folded = fold([failing], keep=frozenset({b"a"}))
    assert only(folded).conditions == failing.conditions[:1]
    assert not only(folded).logs
    assert fold([failing]).removed == {"1": "never"}


def test_a_condition_that_is_looked_at_stays():
    asked = [
        rule("1", when("tx:a", "eq 1"), when("matched", "rx 1"), when("args"), logs=True),
        rule("1", when("args"), when("tx:a", "eq 1"), when("args", "rx %matched.one%"), logs=True),
        rule("1", when("tx:a", "eq 1", capture=True), when("args"), logs=True, data=template("%0%")),
        rule("1", when("tx:a", "eq 1"), when("args"), logs=True, data=template("%matched.name%")),
        rule("1", when("tx:a", "eq 1"), logs=True),
    ]
    for one in asked:
        assert only(fold([one], {b"a": b"1"})).conditions == one.conditions


def test_a_later_look_at_what_was_accepted_keeps_all_before():
    listed = [rule("1", when("tx:a", "eq 1")), at_run("2", "matched.one", "rx 1", logs=True), rule("3", when("tx:a"))]
    folded = fold(listed, {b"a": b"1"})
    assert left(folded) == ["1", "2"]
    assert folded.notes


def test_stores_that_nobody_asks_for_go():
    listed = [
        at_run("1", "args", "rx x", put("c"), put("d")),
        at_run("2", "args", "rx y", put("a", "1", "+"), put("b", "%c%"), put("p_%args:x%")),
        at_run("3", "args", "rx z", put("d", "%a%")),
        rule("4", when("tx:b", "eq 1"), logs=True),
    ]
    folded = fold(listed)
    assert folded.removed == {"3": "without purpose"}
    assert [[e.name for e in r.conditions[0].effects] for r in folded.rules] == [[(b"c",)], [(b"b",)], []]
    assert left(fold([*listed, at_run("5", "tx/^p", "eq 2", logs=True)])) == ["1", "2", "4", "5"]


def test_a_jump_over_nothing_goes():
    listed = [
        at_run("1", skip_after="END"),
        rule("2", when("&tx:a", "eq 1"), logs=True),
        at_run("3", skip=1),
        at_run("4"),
        Marker("END"),
        at_run("5", logs=True),
    ]
    assert left(fold(listed)) == ["5"]


def test_jumps_still_arrive():
    listed = [
        at_run("1", skip_after="3"),
        at_run("2", logs=True),
        at_run("3"),
        at_run("4", skip=2),
        at_run("5", logs=True),
        at_run("6"),
        at_run("7", logs=True),
    ]
    folded = fold(listed)
    assert [getattr(e, "id", None) or e.name for e in folded.rules] == ["1", "2", "3", "4", "5", "past 4", "7"]
    assert (folded.rules[3].skip, folded.rules[3].skip_after) == (0, "past 4")


def test_the_phase_that_counts_is_asked_for():
    listed = [rule("1", when("tx:a", "eq 1"), logs=True), rule("2", when("", "", put("a")), logs=False)]
    assert left(fold(listed)) == []
    assert left(fold(listed, phases=lambda r: LOG if r.id == "1" else HEAD)) == ["1"]
    cut = rule("3", when("tx/^x", "eq 1", put("a")), when("args"))
    assert only(fold([cut], keep=frozenset({b"a"}), phases=delayed)).phase is BODY


def test_phases_of_long_bodies_may_run_again():
    listed = [
        rule("1", when("tx:a", "eq 1"), phase=BODY, logs=True),
        rule("2", when("", "", put("a")), phase=BODY),
        rule("3", when("tx:a", "eq 1"), phase=REPLY_HEAD, logs=True),
        rule("4", when("", "", put("b")), phase=REPLY_HEAD),
        rule("5", when("tx:b", "eq 1"), phase=REPLY_HEAD, logs=True),
        rule("6", when("tx:b", "eq 1"), phase=LOG, logs=True),
    ]
    folded = fold(listed)
    assert left(folded) == ["1", "2", "3", "4", "5", "6"]
    assert not folded.variables
    assert left(fold(listed[3:5])) == ["5"]


def test_a_template_that_makes_no_operator_accepts_nothing():
    folded = fold([at_run("1", "args", "!rx %a%", logs=True)], {b"a": b"("})
    assert only(folded).conditions[0].operators == (Operator("noMatch"),)
    assert folded.notes


def test_what_is_wrong_is_said():
    with pytest.raises(RuleError):
        fold([at_run("1", skip_after="nowhere")])
    with pytest.raises(RuleError, match="rule `1`"):
        fold([rule("1", when("", "", RemoveRules(Chosen(tags=("(",)))), origin=Location("f", 1))])


def test_what_linking_refuses_is_left_to_it():
    empty = Rule("1", HTTP, HEAD, (), Severity.NOTICE, 0, "m", logs=False)
    odd = rule("2", when("tx:a", "smell 1"))
    bent = rule("3", Condition((Target("tx", b"a"),), (Operator("eq", "1"),), ("melt",)), logs=True)
    assert fold([empty, odd, bent], {b"a": b"1"}).rules == (empty, bent)


# And all of it together.

NAMES = ["a", "b", "p_x", "p_y", "1"]
VALUES = ["0", "1", "2", "x", ""]
names = st.sampled_from(NAMES)
constants = st.sampled_from(VALUES)
asked = st.sampled_from(["%a%", "%b%", "%1%", "%0%", "%p_x%", "%args:k%"])
told = st.one_of(asked, asked, st.sampled_from(["%matched.one%", "%matched.name%"]))
texts = st.one_of(constants, constants, asked, told, st.tuples(constants, asked).map("".join))
stored = st.one_of(names, names, names, st.sampled_from(["p_%a%", "P_%args:k%", "%b%", "%args:k%"]))
choices = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda p: Chosen(ids=((min(p), max(p)),))),
    st.sampled_from([Chosen(tags=("^t",)), Chosen(tags=("2",)), Chosen(messages=("m",)), Chosen(ids=((3, 3),))]),
)
controls = st.sampled_from([("engine", "off"), ("force-body", "on")]).map(lambda p: SetControl(Control(p[0]), p[1]))
effects = st.one_of(
    *[st.builds(put, stored, texts, st.sampled_from("===++-!"))] * 6,
    st.builds(RemoveRules, choices),
    st.builds(RemoveTarget, choices, st.sampled_from(["args", "args", "tx"]), st.sampled_from([None, b"k", b"a"])),
    controls,
)
targets = st.one_of(
    *[st.builds(lambda n, c: Target("tx", n.encode(), count=c), names, st.booleans())] * 4,
    st.sampled_from([Target("args"), Target("args", b"k"), Target("args"), Target("args", count=True)]),
    st.sampled_from([Target("tx", pattern="^p"), Target("tx"), Target("tx.names"), Target("tx", b"a", exclude=True)]),
)
later = st.one_of(
    targets,
    targets,
    targets,
    st.sampled_from(["matched", "matched", "matched.names", "matched.one", "matched.name"]).map(Target),
)
tests = st.one_of(
    st.tuples(st.sampled_from(["eq", "lt", "ge", "!eq"]), st.sampled_from(["0", "1", "2", "%a%", "%b%", "%args:k%"])),
    st.tuples(
        st.sampled_from(["rx", "!rx"]), st.sampled_from(["(x)|(1)", "(.)", "^2", "%a%", "(x|%b%)", "(%args:k%"])
    ),
    st.tuples(st.sampled_from(["streq", "within", "!streq", "unconditionalMatch"]), st.one_of(constants, asked)),
)
later_tests = st.one_of(tests, tests, tests, st.tuples(st.sampled_from(["streq", "within"]), told))


def operator(test):
    name, text = test
    made = Operator(name.lstrip("!"), text, name.startswith("!"))
    return Operator(made.name, "", made.negated, template(text)) if "%" in text else made


@st.composite
def conditions(draw, first=False):
    if draw(st.integers(0, 3)) == 0:
        return Condition((), (), effects=tuple(draw(st.lists(effects, min_size=1, max_size=3))))
    some, trying = (targets, tests) if first and draw(st.integers(0, 40)) else (later, later_tests)
    if first:
        some = some.filter(lambda t: t.field != "matched")
    return Condition(
        tuple(draw(st.lists(some, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2]))))),
        tuple(map(operator, draw(st.lists(trying, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2])))))),
        draw(st.sampled_from([(), (), (), ("lowercase",), ("length",)])),
        draw(st.booleans()),
        draw(st.integers(0, 4)) == 0,
        tuple(draw(st.lists(effects, max_size=draw(st.sampled_from([0, 1, 2]))))),
    )


@st.composite
def rule_lists(draw):
    listed = []
    count = draw(st.integers(1, 9))
    spoken = draw(st.sampled_from([[HTTP], [HTTP], [HTTP], [HTTP, HTTP | SMTP], [HTTP, SMTP, HTTP | SMTP]]))
    phases = draw(st.sampled_from([[HEAD], [HEAD, BODY], [HEAD, HEAD, REPLY_HEAD], list(Phase)]))
    if draw(st.booleans()):
        first = draw(st.lists(st.builds(put, names, constants), min_size=1, max_size=3))
        listed.append(rule("0", when("", "", *first), phase=phases[0], protocols=spoken[0]))
    for number in range(1, count + 1):
        made = [draw(conditions(not n)) for n in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
        ways = [
            {},
            {},
            {"skip_after": "END"},
            {"skip_after": "MID"},
            {"skip_after": str(count)},
            {"skip": 1},
            {"skip": 3},
        ]
        way = draw(st.sampled_from(ways))
        if draw(st.integers(0, 8)) == 0:
            way |= {"passes": draw(st.sampled_from(Scope))}
        face = draw(st.sampled_from([{}, {}, {"logs": True}, {"logs": True}, {"score": 2}, {"action": Action.DENY}]))
        if way.get("skip_after") == str(count) == str(number):
            way = {}
        says = {"said": template(draw(texts)), "data": template(draw(texts))} if face else {}
        tags = tuple(draw(st.lists(st.sampled_from(["t1", "t2", "u2"]), max_size=2)))
        place = {"phase": draw(st.sampled_from(phases)), "protocols": draw(st.sampled_from(spoken))}
        message = draw(st.sampled_from(["m", "n"]))
        listed.append(rule(str(number), *made, tags=tags, message=message, **place, **face, **way, **says))
        if draw(st.integers(0, 3)) == 0:
            listed.append(Marker(draw(st.sampled_from(["END", "MID"]))))
    return [*listed, Marker("END"), Marker("MID")]


@st.composite
def schedules(draw):
    """The first phase always runs, and once; others may be left out, and long bodies come in windows."""
    most = {BODY: 2, REPLY_HEAD: 1, REPLY_BODY: 2, LOG: 1}
    return [HEAD, *(phase for phase, n in most.items() for _ in range(draw(st.integers(0, n))))]


transactions = st.tuples(
    schedules(),
    st.lists(
        st.tuples(st.sampled_from([b"k", b"K", b"z"]), st.sampled_from([b"x", b"1", b"2", b"p_x", b"a", b""])),
        max_size=3,
    ),
    st.sampled_from([Protocol.HTTP, Protocol.HTTP, Protocol.SMTP]),
)


def delayed(rule):
    """As if arguments came with the body."""
    late = any(t.field == "args" for c in rule.conditions for t in c.targets)
    return max(rule.phase, BODY) if late else rule.phase


def agree(listed, given_variables, keep, runs, phases=own_phase):
    folded = fold(listed, given_variables, frozenset(keep), phases)
    rules = [entry for entry in listed if isinstance(entry, Rule)]
    # Of transactions in which no rule changes variables, those at the end say nothing.
    changing = {p for r in rules if any(c.effects or c.capture for c in r.conditions) for p in r.protocols}
    for schedule, args, protocol in runs:
        want = Naive(listed, given_variables, schedule, args, protocol, phases)
        got = Naive(folded.rules, folded.variables, schedule, args, protocol, phases)
        assert got.seen == want.seen
        if protocol in changing:
            assert {k: v for k, v in got.tx.items() if k in keep} == {k: v for k, v in want.tx.items() if k in keep}
    assert set(folded.removed) == {rule.id for rule in rules} - set(left(folded))
    assert fold(listed, given_variables, frozenset(keep), phases) == folded
    return folded


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rule_lists(),
    st.dictionaries(names.map(str.encode), constants.map(str.encode), max_size=2),
    st.frozensets(st.sampled_from([b"a", b"b", b"p_x", b"1"]), max_size=2),
    st.lists(transactions, min_size=1, max_size=4),
    st.sampled_from([own_phase, delayed]),
)
def test_folded_rules_do_the_same(listed, given_variables, keep, runs, phases):
    agree(listed, given_variables, keep, runs, phases)
