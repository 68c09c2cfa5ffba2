from revproxy.detection.rules import MATCHED, Condition, Operator, Target
from revproxy.detection.sigyaml import always_runs, load_signatures, lower
from revproxy.model import Action, Phase, Severity

FRAME = """signatures:
  - id: x
    name: X
    why: because
    references: [CWE-1]
    protocols: [{protocol}]
    fields: [{fields}]
    match: {match}
    severity: {severity}
    samples: {{match: [{{{sample}: a}}], pass: [{{{sample}: b}}]}}
    {more}
"""


def rule(match, fields="args", protocol="http", severity="error", more="", sample="args"):
    words = {"match": match, "fields": fields, "protocol": protocol, "severity": severity}
    return lower(load_signatures(FRAME.format(**words, more=more, sample=sample), "x.yaml")[0])


def test_any_is_one_condition():
    got = rule("{any: [{rx: a}, {contains: b}]}")
    assert got.conditions == (Condition((Target("args"),), (Operator("rx", "a"), Operator("contains", "b"))),)
    assert (got.phase, got.score, got.severity, got.action) == (Phase.BODY, 4, Severity.ERROR, Action.ALLOW)
    assert got.message == "X"


def test_all_and_not_look_at_the_same_value():
    got = rule("{any: [{rx: a}], all: [{rx: b}, {streq: c}], not: [{rx: d}]}")
    same = (Target(MATCHED),)
    assert got.conditions[1:] == (
        Condition(same, (Operator("rx", "b"),)),
        Condition(same, (Operator("streq", "c"),)),
        Condition(same, (Operator("rx", "d", negated=True),)),
    )


def test_the_most_specific_test_comes_first():
    got = rule("{all: [{eq: 5}, {rx: b}]}")
    assert [c.operators[0].name for c in got.conditions] == ["rx", "eq"]
    assert not always_runs(got)


def test_own_fields_come_last_and_decide_the_phase():
    got = rule(
        "{any: [{rx: a}], all: [{rx: b, fields: [status], transformations: [lowercase]}, {rx: c}]}",
        "path",
        sample="path",
    )
    assert got.conditions[2] == Condition((Target("status"),), (Operator("rx", "b"),), ("lowercase",))
    assert got.phase is Phase.REPLY_HEAD


def test_each_step_score_and_action():
    got = rule(
        "{any: [{rx: a}]}", more="{each_step: true, score: 0, action: drop, tags: [t]}"[1:-1].replace(", ", "\n    ")
    )
    assert got.conditions[0].every_step
    assert (got.score, got.action, got.tags) == (0, Action.DROP, ("t",))


def test_rules_that_cannot_be_searched_for():
    assert always_runs(rule("{not: [{rx: a}]}"))
    assert always_runs(rule("{any: [{gt: 5}]}", "body.length", sample="body.length"))
    assert always_runs(rule("{any: [{rx: a}]}", "count(args)"))
