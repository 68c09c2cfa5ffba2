import pytest
from builders import simple, transaction

from revproxy.detection.engine import effects
from revproxy.detection.engine.effects import chosen_rules, doing
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Control,
    Reference,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.model import Phase

RULES = [simple("7", "a", tags=("x", "y")), simple("12", "a", tags=("xy",)), simple("name", "a")]
ASSIGNMENTS = [
    (Assign.SET, (b"new",), b"new"),
    (Assign.ADD, (b"3",), b"8"),
    (Assign.SUBTRACT, (b"7",), b"-2"),
    (Assign.ADD, (b"x",), b"5"),
    (Assign.ADD, (Reference("tx", b"none"),), b"5"),
    (Assign.SET, (Reference("tx", b"a"), b"!"), b"5!"),
    (Assign.UNSET, (), None),
]


def scene(**variables):
    return Scene(b"", transaction().fields, State({k.encode(): v.encode() for k, v in variables.items()}))


@pytest.mark.parametrize(("how", "value", "want"), ASSIGNMENTS)
def test_assignments(how, value, want):
    at = scene(a="5")
    doing(SetVariable((b"A",), how, value), RULES)(at)
    assert at.state.variables.get(b"a") == want
    assert at.state.touched == (want != b"5")


def test_variables_have_an_end(monkeypatch):
    monkeypatch.setattr(effects, "MOST_VARIABLES", 3)
    at = scene()
    for number in range(9):
        doing(SetVariable((b"%d" % number,), Assign.SET, (b"1",)), RULES)(at)
    assert len(at.state.variables) == 3


CHOICES = [
    (Chosen(((1, 9),)), {0}),
    (Chosen(((1, 9), (12, 12))), {0, 1}),
    (Chosen(tags=(r"\Ax\z",)), {0}),
    (Chosen(tags=("x",)), {0, 1}),
    (Chosen(messages=("test",)), {0, 1, 2}),
    (Chosen(), set()),
]


@pytest.mark.parametrize(("chosen", "want"), CHOICES)
def test_chosen_rules(chosen, want):
    assert chosen_rules(chosen, RULES) == want


def test_removals():
    at = scene()
    doing(RemoveRules(Chosen(((7, 7),))), RULES)(at)
    doing(RemoveTarget(Chosen(((12, 12),)), "args", b"k"), RULES)(at)
    assert at.state.removed == {0}
    assert at.state.lost == [(frozenset({1}), Target("args", b"k"))]


def test_controls():
    at = scene()
    doing(SetControl(Control.FORCE_BODY, "on"), RULES)(at)
    assert (at.state.controls, at.state.over) == ({Control.FORCE_BODY: "on"}, frozenset())
    doing(SetControl(Control.ENGINE, "off"), RULES)(at)
    assert at.state.over == frozenset(Phase)
