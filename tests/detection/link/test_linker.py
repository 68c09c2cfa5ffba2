import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import builders
import hyperscan
import pytest
from builders import BOTH, condition, rule, simple

from revproxy.detection.link import databases, link, linker
from revproxy.detection.link.patterns import Pattern, heavy_form
from revproxy.detection.rules import MATCHED, FieldClass, Target
from revproxy.errors import Location, RuleError
from revproxy.model import Protocol


class Store(dict):
    def put(self, key, data):
        self[key] = data


def test_groups_are_by_protocol_class_and_direction():
    rules = [
        simple("a", "x", "args", "path", "headers"),
        simple("b", "x", "reply.headers"),
        simple("c", "x", "headers", protocols=BOTH),
    ]
    got = [(g.protocol, g.klass, g.reply, len(g.items)) for g in link(rules).groups]
    assert got == [
        (Protocol.HTTP, FieldClass.HEADER, False, 2),
        (Protocol.HTTP, FieldClass.HEADER, True, 1),
        (Protocol.HTTP, FieldClass.TEXT, False, 1),
        (Protocol.SMTP, FieldClass.HEADER, False, 1),
    ]


def test_a_condition_whose_exclusion_is_no_field_is_linked():
    (group,) = link([rule("a", condition(["args", Target("tx", key=b"k", exclude=True)], ("rx", "x")))]).groups
    assert group.fields == ("args",)


def test_the_same_rules_give_the_same_set_and_fetch_from_the_store():
    store = Store()
    rules = [simple("a", "x+y"), simple("b", "z", chain=["lowercase"])]
    first = link(rules, store)
    kept = dict(store)
    assert link(rules, store) == first
    assert store == kept == first.databases()
    assert pickle.loads(pickle.dumps(first)) == first
    assert len(first.name) == 16
    assert link(rules[:1]).name != first.name


def test_the_name_is_of_what_the_rules_say_and_not_of_their_files():
    one = simple("a", "attack")
    elsewhere = replace(one, origin=Location("elsewhere.yaml", 7, 3))
    assert link([one]).name == link([elsewhere]).name
    assert link([one]).name != link([replace(one, score=one.score + 1)]).name
    assert link([one]).name != link([replace(one, protocols=BOTH)]).name


def test_the_name_is_the_same_in_every_process():
    script = (
        "from builders import BOTH, simple; from revproxy.detection.link import link; "
        "print(link([simple('a', 'attack', protocols=BOTH)]).name)"
    )
    names = set()
    for seed in ("1", "2", "3", "4"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.path.dirname(builders.__file__)}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
        names.add(done.stdout)
    assert len(names) == 1


def test_databases_may_be_made_several_at_once():
    rules = [simple("a", "x+y", "args", "path"), simple("b", "long pattern", chain=["lowercase"])]
    with ThreadPoolExecutor(2) as pool:
        assert link(rules, None, pool.map) == link(rules)


def test_what_is_always_transformed_is_a_group_of_its_own():
    chains = [["length"], ["base64DecodeExt", "trim"], ["trim", "length"], []]
    groups = link([simple(f"r{n}", "1", chain=c) for n, c in enumerate(chains)]).groups
    assert [(g.blind, [i.rule for i in g.items]) for g in groups] == [(False, [2, 3]), (True, [0, 1])]


@pytest.mark.parametrize(
    "bad",
    [
        [simple("a", "x"), simple("a", "y")],
        [rule("a")],
        [rule("a", condition(["nowhere"], ("rx", "x")))],
        [rule("a", condition([Target(MATCHED)], ("rx", "x")))],
        [rule("a", condition(["args"], ("rx", "x"), chain=["melt"]))],
        [rule("a", condition(["args"], ("smell", "x")))],
        [rule("a", condition(["args"], ("rx", "(x")))],
        [rule("a", condition(["args"], ("!rx", "(x")))],
        [rule("a", condition(["args"], ("eq", ())))],
        [rule("a", condition([Target("args", pattern="(x")], ("rx", "x")))],
    ],
)
def test_what_cannot_be_enforced_is_an_error(bad):
    with pytest.raises(RuleError):
        link(bad)


def test_a_pattern_that_hyperscan_refuses_loses_its_anchors():
    ruleset = link([simple("a", "x(?:^y|z)")])
    assert ruleset.notes == ()
    assert len(ruleset.groups[0].items) == 1


def test_what_hyperscan_refuses_altogether_is_noted(monkeypatch):
    real = databases._compile

    def choosy(expressions):
        if any(b"heavy" in e.text for e in expressions):
            raise hyperscan.error("too large")
        return real(expressions)

    monkeypatch.setattr(databases, "_compile", choosy)
    ruleset = link([simple("a", "heavy"), simple("b", "x")])
    assert ruleset.notes == ("a: a pattern is looked for by google-re2",)
    assert {ruleset.rules[i.rule].id for g in ruleset.groups for i in g.items} == {"a", "b"}
    assert [len(g.databases.heavy) for g in ruleset.groups] == [1]


def test_what_one_group_cannot_look_for_no_group_rules_out(monkeypatch):
    def heavy(tree, shape, refused):
        if shape.alphabet == linker.CALM_WIRE:
            return Pattern(None, None, b"(")
        return heavy_form(tree, shape, refused)

    monkeypatch.setattr(linker, "LONG_BYTES", 1)
    monkeypatch.setattr(linker, "is_slow", lambda text, store: b"slow" in text)
    monkeypatch.setattr(linker, "heavy_form", heavy)
    ruleset = link([simple("a", "slow", "args", "headers"), simple("b", "x", "args")])
    assert "a: a pattern is tried by google-re2 on every value" in ruleset.notes
    assert {ruleset.rules[i.rule].id for g in ruleset.groups for i in g.items} == {"b"}
