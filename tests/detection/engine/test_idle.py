from builders import condition, rule

from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.idle import idle_rules
from revproxy.detection.link import link
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.rules import Assign, Condition, Reference, SetVariable, Target

SCORE = Target("tx", key=b"score")


def setting(name, value, **more):
    return rule(name, Condition((), (), effects=(SetVariable((b"score",), Assign.SET, (value,)),)), **more)


def idle(*rules, **variables):
    ruleset = link(rules, variables={k.encode(): v.encode() for k, v in variables.items()})
    found = idle_rules(ruleset, [Program(r, at, Chooser(ruleset.rules)) for at, r in enumerate(ruleset.rules)])
    return {ruleset.rules[at].id for at in found}


QUIET = {"logs": False, "score": 0}


def test_what_changes_nothing_is_idle():
    rules = [
        setting("same", b"0", **QUIET),
        setting("other", b"1", **QUIET),
        setting("says so", b"0", score=0),
        rule("high", condition([SCORE], ("ge", "5"))),
        rule("low", condition([SCORE], ("lt", "5"))),
        rule("args", condition(["args"], ("rx", "a"))),
        setting("refers", Reference("args"), **QUIET),
    ]
    assert idle(*rules, score="0") == {"same", "high"}
