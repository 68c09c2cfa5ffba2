import pytest

from revproxy.detection.rules import Marker
from revproxy.detection.seclang import load
from revproxy.detection.seclang.lower import lower
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


BROKEN = """\
SecRule ARGZ "@rx a" "id:1,phase:2,pass"
SecRule ARGS "@rx (a" "id:2,phase:2,pass"
SecRule ARGS "@pmFromDataset bad" "id:3,phase:2,pass"
SecRule ARGS "@rx a" "id:4,phase:2,pass,skipAfter:END"
SecRule GEO "@rx a" "id:5,phase:2,pass"
"""


def test_what_was_wrong_with_the_text_is_told_with_the_rest():
    """In the order of the text, each once; what may be wrong only because something is missing is not told."""
    tree = load(["r.conf"], lambda name: BROKEN.encode(), lambda pattern: [], raises=False)
    with pytest.raises(ManyErrors) as caught:
        lower(tree, lambda name: b"")
    errors = caught.value.errors
    assert [(e.where.line, e.where.column) for e in errors] == [(1, 9), (2, 19), (5, 9)]
    assert "unknown variable `ARGZ`" in errors[0].message
    with pytest.raises(ManyErrors):
        load(["r.conf"], lambda name: BROKEN.encode(), lambda pattern: [])


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ('SecRule ARGS "@rx a" "id:1,phase:2,pass,skipAfter:END"\nSecMarker EMD', 41, "no marker `END` comes after"),
        ('SecMarker END\nSecRule ARGS "@rx a" "id:1,phase:2,pass,skipAfter:END"', 41, "no marker `END` comes after"),
        ('SecRule ARGS:/a(/ "@rx a" "id:1,phase:2,pass"', 16, "'(' without ')'"),
        ('SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetById=1;ARGS:/(/"', 63, "'(' without ')'"),
    ],
)
def test_places(lowered, text, column, said):
    with pytest.raises(RuleError) as caught:
        lowered(text)
    line = 1 + text.startswith("SecMarker")
    assert str(caught.value).startswith(f"r.conf:{line}:{column}: {said}")
    assert "^" in str(caught.value)


def test_jumps_that_arrive(lowered):
    jump = 'SecRule ARGS "@rx a" "id:1,phase:2,pass,skipAfter:%s"\n'
    for place, rest in (("END", "SecMarker end"), ("7", 'SecAction "id:7,phase:2,pass"')):
        assert lowered(jump % place + rest).rules[0].skip_after == place
