import pytest

from revproxy.detection.rules import (
    Assign,
    Chosen,
    Control,
    Reference,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
)
from revproxy.errors import RuleError

CASES = [
    ("setvar:tx.a=b", SetVariable((b"a",), Assign.SET, (b"b",))),
    ("setvar:tx.a=+%{tx.b}", SetVariable((b"a",), Assign.ADD, (Reference("tx", b"b"),))),
    ("setvar:tx.a=-1", SetVariable((b"a",), Assign.SUBTRACT, (b"1",))),
    ("setvar:!tx.a", SetVariable((b"a",), Assign.UNSET)),
    ("setvar:tx.x_%{rule.id}=1", SetVariable((b"x_", b"9"), Assign.SET, (b"1",))),
    ("ctl:ruleRemoveById=1-5", RemoveRules(Chosen(((1, 5),)))),
    ("ctl:ruleRemoveByTag=a/b", RemoveRules(Chosen(tags=(r"\Aa\x2fb\z",)))),
    ("ctl:ruleRemoveByMsg=a", RemoveRules(Chosen(messages=(r"\Aa\z",)))),
    ("ctl:ruleRemoveTargetById=7;TX:a", RemoveTarget(Chosen(((7, 7),)), "tx", b"a")),
    (
        "ctl:ruleRemoveTargetByTag=t;REQUEST_HEADERS:/^x/",
        RemoveTarget(Chosen(tags=(r"\At\z",)), "headers", None, "^x"),
    ),
    ("ctl:ruleEngine=DetectionOnly", SetControl(Control.ENGINE, "detect")),
    ("ctl:requestBodyProcessor=JSON", SetControl(Control.BODY_PROCESSOR, "JSON")),
    ("ctl:forceRequestBodyVariable=On", SetControl(Control.FORCE_BODY, "on")),
    ("ctl:responseBodyAccess=Off", SetControl(Control.REPLY_BODY_ACCESS, "off")),
]


@pytest.mark.parametrize(("action", "want"), CASES, ids=[c[0] for c in CASES])
def test_effect(one, action, want):
    assert one(f'SecAction "id:9,phase:1,pass,{action}"').conditions[0].effects == (want,)


@pytest.mark.parametrize(
    "action",
    [
        "initcol:ip=%{REMOTE_ADDR}",
        "ctl:auditEngine=Off",
        "ctl:requestBodyLimit=5",
        "setsid:%{ARGS.a}",
        "msg:'%{ip.a}'",
        "logdata:'%{session.a}'",
    ],
)
def test_what_has_no_effect_is_noted(lowered, action):
    done = lowered(f'SecAction "id:9,phase:1,pass,{action}"')
    assert done.rules[0].conditions[0].effects == ()
    assert [n.where.line for n in done.notices] == [1]


@pytest.mark.parametrize("variable", ["IP:a", "&IP:a", "SESSION", "GLOBAL:a", "RESOURCE:a", "USER:a", "SESSIONID"])
def test_nor_what_is_in_collections_that_persist(one, variable):
    with pytest.raises(RuleError, match="not there yet") as caught:
        one(f'SecRule {variable} "@eq 1" "id:9,phase:1,pass"')
    assert (caught.value.where.line, caught.value.where.column) == (1, 9)


@pytest.mark.parametrize("action", ["setvar:ip.a=1", "expirevar:ip.a=60", "deprecatevar:ip.a=1/2"])
def test_collections_that_persist_are_not_there(one, action):
    with pytest.raises(RuleError, match="outlive"):
        one(f'SecAction "id:9,phase:1,pass,{action}"')
