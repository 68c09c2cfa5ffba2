"""Rules and values as a person reads them."""

from __future__ import annotations

import pytest

from revproxy.app.wording import SHOWN, effect, excerpt, operator, printable, selector, template, variable_of
from revproxy.detection.rules import (
    Assign,
    Chosen,
    Control,
    Effect,
    Operator,
    Reference,
    RemoveRules,
    RemoveTarget,
    SetControl,
    SetVariable,
    Target,
)
from revproxy.detection.seclang.lower.text import exactly


def test_values() -> None:
    assert printable(b"a\\b\n\x1b[2J\xff") == r"a\x5cb\x0a\x1b[2J\xff"
    assert excerpt(b"x" * SHOWN) == "x" * SHOWN
    long = b"a" * 500 + b"match" + b"b" * 500
    said = excerpt(long, (500, 505))
    assert said.startswith("...a")
    assert said.endswith("b...")
    assert "match" in said
    assert len(said) == SHOWN + 6
    assert excerpt(long).startswith("aaa")
    assert excerpt(long, (1000, 1005)).endswith("b")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("args"), "A"),
        (Target("args", b"q"), "A:q"),
        (Target("args", pattern="^x"), "A:/^x/"),
        (Target("args", b"q", count=True), "count(A:q)"),
        (Target("args", b"q", exclude=True), "!A:q"),
    ],
)
def test_targets(target: Target, said: str) -> None:
    assert selector(target, "A") == said


def test_names_of_both_languages() -> None:
    fields = ("args.plain", "args", "tx", "matched", "xml.text")
    assert [variable_of(name) for name in fields] == ["ARGS", "", "TX", "MATCHED_VARS", "XML:/*"]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Operator("rx", "a\nb", negated=True), r"not rx a\x0ab"),
        (Operator("pm", ("a", "b")), "pm a, b"),
        (Operator("detectSQLi"), "detectSQLi"),
        (Operator("ge", "", template=(b"1", Reference("tx", b"limit"))), "ge 1%{tx.limit}"),
        (Operator("contains", b"\xff".decode("utf-8", "surrogateescape")), r"contains \xff"),
    ],
)
def test_operators(one: Operator, said: str) -> None:
    assert operator(one) == said


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (SetVariable((b"a",), Assign.ADD, (Reference("tx", b"b"),)), "tx.a += %{tx.b}"),
        (SetVariable((b"a",), Assign.SUBTRACT, (b"1",)), "tx.a -= 1"),
        (SetVariable((b"a",), Assign.SET, (b"1",)), "tx.a = 1"),
        (SetVariable((b"a",), Assign.UNSET), "tx.a is gone"),
        (RemoveRules(Chosen(((1, 1), (3, 5)))), "rules 1, 3-5 do not run"),
        (RemoveRules(Chosen(messages=("^x",))), "rules that say /^x/ do not run"),
        (
            RemoveTarget(Chosen(tags=(exactly(b"attack-sqli/x"),)), "args.plain", b"q"),
            "rules tagged attack-sqli/x do not look at ARGS:q",
        ),
        (SetControl(Control.BODY_PROCESSOR, "XML"), "body-processor: XML"),
    ],
)
def test_effects(one: Effect, said: str) -> None:
    assert effect(one) == said


def test_references() -> None:
    assert template((b"a", Reference("args.plain", b"q"), Reference("args"))) == "a%{args.q}%{args}"
