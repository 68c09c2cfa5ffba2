import pytest

from revproxy.detection.rules import Marker
from revproxy.errors import ManyErrors, RuleError

TWO = """
SecRule ARGS "@rx a" "id:1,phase:2,pass,tag:'t',msg:'m'"
SecRule ARGS "@rx b" "id:2,phase:2,pass,tag:'t/x',msg:'n'"
"""


def ids(lowered):
    return [rule.id for rule in lowered.rules if not isinstance(rule, Marker)]


REMOVALS = [
    ("SecRuleRemoveById 1", ["2"]),
    ("SecRuleRemoveById 1-9", []),
    ('SecRuleRemoveByTag "t"', ["2"]),
    ('SecRuleRemoveByMsg "n"', ["1"]),
    ('SecRuleRemoveByTag "x"', ["1", "2"]),
]


@pytest.mark.parametrize(("text", "want"), REMOVALS)
def test_removals_act_wherever_they_stand(lowered, text, want):
    assert ids(lowered(TWO + text)) == ids(lowered(text + TWO)) == want


def test_updates(lowered):
    done = lowered(
        TWO + 'SecRuleUpdateTargetById 1 "!ARGS:x,REQUEST_URI"\nSecRuleUpdateTargetByTag "t/x" "!ARGS"\n'
        'SecRuleUpdateActionById 2 "deny,status:404"\n'
    )
    first, second = done.rules
    assert [(t.key, t.exclude) for t in first.conditions[0].targets] == [(None, False), (b"x", True), (None, False)]
    assert second.conditions[0].targets[1].exclude
    assert (second.action, second.status) == ("deny", 404)


def test_markers_and_settings(lowered):
    done = lowered('SecRuleEngine DetectionOnly\nSecMarker "END"\n' + TWO)
    assert done.rules[0] == Marker("END")
    assert [(s.name, s.values[0].value) for s in done.settings] == [("SecRuleEngine", b"DetectionOnly")]


def test_a_link_that_is_not_there(lowered):
    with pytest.raises(RuleError, match="rule 1 has no link 3"):
        lowered(TWO + 'SecRuleUpdateActionById 1:3 "t:none"')


def test_errors_are_gathered(lowered):
    with pytest.raises(ManyErrors) as caught:
        lowered('SecRule DURATION "@gt 1" "id:1"\nSecRule ARGS "@rx (" "id:2"\nSecRule XML:/a "@rx a" "id:3"\n')
    assert [e.where.line for e in caught.value.errors] == [1, 2, 3]
