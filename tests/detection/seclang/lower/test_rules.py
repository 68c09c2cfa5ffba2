import pytest

from revproxy.detection.rules import Reference, Scope, Target
from revproxy.errors import RuleError
from revproxy.model import Action, Phase, Severity

DEFAULT = 'SecDefaultAction "phase:2,log,deny,status:406,t:lowercase"\n'
BLOCKS = [
    ('SecRule ARGS "@rx a" "id:1,phase:2,block"', Action.ALLOW, 0),
    (DEFAULT + 'SecRule ARGS "@rx a" "id:1,phase:2,block"', Action.DENY, 406),
    (DEFAULT + 'SecRule ARGS "@rx a" "id:1,phase:2,block,status:500"', Action.DENY, 500),
    (DEFAULT + 'SecRule ARGS "@rx a" "id:1,phase:2,pass"', Action.ALLOW, 406),
    (DEFAULT + 'SecRule ARGS "@rx a" "id:1,phase:1,block"', Action.ALLOW, 0),
    ('SecRule ARGS "@rx a" "id:1,phase:2,deny"', Action.DENY, 403),
    ('SecRule ARGS "@rx a" "id:1,phase:2,drop"', Action.DROP, 0),
]


@pytest.mark.parametrize(("text", "action", "status"), BLOCKS)
def test_what_block_means(one, text, action, status):
    rule = one(text)
    assert (rule.action, rule.status) == (action, status)


def test_metadata(lowered):
    rule, _ = lowered(
        "SecRule ARGS \"@rx a\" \"id:7,phase:1,pass,nolog,msg:'Said %{TX.0}',logdata:'%{MATCHED_VAR_NAME}',"
        "severity:'CRITICAL',tag:'a',tag:'b/c',skipAfter:END\"\nSecMarker END\n"
    ).rules
    assert (rule.id, rule.phase, rule.logs, rule.severity) == ("7", Phase.HEAD, False, Severity.CRITICAL)
    assert (rule.message, rule.tags, rule.skip_after) == ("Said %{TX.0}", ("a", "b/c"), "END")
    assert rule.said == (b"Said ", Reference("tx", b"0"))
    assert rule.data == (Reference("matched.name"),)
    assert rule.score == 0


def test_transformations_begin_with_those_of_the_phase(one):
    assert one(DEFAULT + 'SecRule ARGS "@rx a" "id:1,t:urlDecodeUni"').conditions[0].transformations == (
        "lowercase",
        "urlDecodeUni",
    )
    assert one(DEFAULT + 'SecRule ARGS "@rx a" "id:1,t:none,t:trim"').conditions[0].transformations == ("trim",)


def test_a_chain(one):
    rule = one(
        'SecRule ARGS "@rx a" "id:1,capture,multiMatch,chain"\n'
        'SecRule MATCHED_VARS|!ARGS:x "!@streq b" "t:lowercase,setvar:tx.n=+1"'
    )
    first, second = rule.conditions
    assert (first.capture, first.every_step, second.capture) == (True, True, False)
    assert second.targets[0] == Target("matched")
    assert second.targets[1].exclude
    assert second.operators[0].negated
    assert second.transformations == ("lowercase",)


def test_allow(one):
    assert one('SecAction "id:1,phase:1,allow"').passes is Scope.TRANSACTION
    assert one('SecAction "id:1,phase:1,allow:phase"').passes is Scope.PHASE
    assert one('SecAction "id:1,phase:1,allow:request"').passes is Scope.REQUEST
    assert one('SecAction "id:1,phase:1,pass"').passes is None


def test_redirect_is_refused_with_its_place(one):
    with pytest.raises(RuleError, match="redirect is refused") as caught:
        one('SecRule ARGS "@rx a" "id:1,redirect:http://a.example/"')
    assert "use `deny` with a status" in caught.value.hint
    assert (caught.value.where.line, caught.value.where.column) == (1, 28)


@pytest.mark.parametrize(("action", "logs"), [("deny", True), ("drop", True), ("pass", False), ("allow", False)])
def test_a_refusal_is_always_recorded(lowered, action, logs):
    done = lowered(f'SecRule ARGS "@rx a" "id:1,phase:2,nolog,{action}"')
    assert done.rules[0].logs is logs
    assert [str(notice.where) for notice in done.notices] == (["r.conf:1:1"] if logs else [])
