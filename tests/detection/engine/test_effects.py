import pytest
from builders import simple, transaction

from revproxy.detection.engine import effects
from revproxy.detection.engine.effects import doing
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.link.chosen import Chooser
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
from revproxy.model import Phase

RULES = [simple("7", "a", tags=("x", "y")), simple("12", "a", tags=("xy",)), simple("name", "a")]
CHOOSER = Chooser(RULES)
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
    doing(SetVariable((b"A",), how, value), CHOOSER)(at)
    assert at.state.variables.get(b"a") == want
    assert at.state.touched == (want != b"5")


def test_variables_have_an_end(monkeypatch):
    monkeypatch.setattr(effects, "MOST_VARIABLES", 3)
    at = scene()
    for number in range(9):
        doing(SetVariable((b"%d" % number,), Assign.SET, (b"1",)), CHOOSER)(at)
    assert len(at.state.variables) == 3


def test_removals():
    at = scene()
    doing(RemoveRules(Chosen(((7, 7),))), CHOOSER)(at)
    doing(RemoveTarget(Chosen(((12, 12),)), "args", b"k"), CHOOSER)(at)
    assert at.state.removed == {0}
    ((rules, (field, test)),) = at.state.lost
    assert (rules, field, bool(test(b"K")), bool(test(b"x"))) == (frozenset({1}), "args", True, False)


@pytest.mark.parametrize(("field", "touched"), [("args", False), ("tx", True), ("tx.names", True)])
def test_who_loses_a_variable_may_do_something_now(field, touched):
    at = scene(a="5")
    doing(RemoveTarget(Chosen(((12, 12),)), field), CHOOSER)(at)
    assert (at.state.touched, at.state.mark) == (touched, None)


def test_controls():
    at = scene()
    doing(SetControl(Control.FORCE_BODY, "on"), CHOOSER)(at)
    assert (at.state.controls, at.state.asked, at.state.over) == ({Control.FORCE_BODY: "on"}, True, frozenset())
    doing(SetControl(Control.BODY_PROCESSOR, "XML"), CHOOSER)(at)
    assert "body.type" not in at.fields
    at.fields.put("body.type", (b"RAW",))
    doing(SetControl(Control.BODY_PROCESSOR, "XML"), CHOOSER)(at)
    assert (at.state.controls[Control.BODY_PROCESSOR], at.fields.first("body.type")) == ("XML", b"XML")
    doing(SetControl(Control.ENGINE, "off"), CHOOSER)(at)
    assert at.state.over == frozenset(Phase)
