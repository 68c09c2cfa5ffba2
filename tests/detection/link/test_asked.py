from dataclasses import replace

from builders import HTTP, condition, simple

from revproxy.detection.link.asked import controls_of, fields_of
from revproxy.detection.rules import (
    MATCHED_NAME,
    MATCHED_NAMES,
    Assign,
    Condition,
    Control,
    Operator,
    Reference,
    Rule,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.model import Phase, Severity


def test_fields_of():
    effect = SetVariable((b"a", Reference("uri")), Assign.SET, (Reference("headers", b"host"),))
    conditions = (
        Condition((Target("tx", key=b"a"),), (Operator("streq", template=(Reference("query"),)),), effects=(effect,)),
        condition(["matched", "args.names", "archive.names"], ("rx", "a")),
    )
    rule = Rule("1", HTTP, Phase.BODY, conditions, Severity.NOTICE, 0, "", said=(Reference("method"),))
    want = {"uri", "headers", "query", "args", "archive.names", "method", "path"}
    assert fields_of([rule, simple("2", "a", "path")]) == want


def test_who_asks_for_the_name_of_what_matched_asks_for_it_as_written():
    conditions = (condition(["headers", "args"], ("rx", "a")),)
    for name in (MATCHED_NAME, MATCHED_NAMES):
        rule = Rule("1", HTTP, Phase.BODY, conditions, Severity.NOTICE, 0, "", data=(Reference(name),))
        assert fields_of([rule]) == {"headers", "headers.written", "args"}


def test_controls_of():
    asks = replace(condition(["path"], ("rx", "a")), effects=(SetControl(Control.BODY_PROCESSOR, "XML"),))
    rules = [simple("1", "a"), Rule("2", HTTP, Phase.HEAD, (asks,), Severity.NOTICE, 0, "")]
    assert controls_of(rules[:1]) == frozenset()
    assert controls_of(rules) == {Control.BODY_PROCESSOR}
