"""The rule engine as an inspector: the same findings on the loop and in its thread."""

from __future__ import annotations

import asyncio

import pytest

from revproxy.detection.link import link
from revproxy.detection.rules import Condition, Operator, Rule, Target
from revproxy.inspection import RuleInspector
from revproxy.inspection.rules import ON_LOOP_BYTES
from revproxy.model import Action, Phase, Protocol, Severity, Transaction

RULE = Rule(
    "a",
    frozenset({Protocol.HTTP}),
    Phase.BODY,
    (Condition((Target("args"),), (Operator("rx", "attack"),)),),
    Severity.CRITICAL,
    5,
    "m",
    action=Action.DENY,
)


def transaction(value: bytes) -> Transaction:
    made = Transaction("t", Protocol.HTTP)
    made.fields.put("args", [value], [b"q"])
    return made


@pytest.fixture
def inspector() -> RuleInspector:
    return RuleInspector(link([RULE]), 1 << 20)


@pytest.mark.parametrize("size", [0, ON_LOOP_BYTES + 1])
@pytest.mark.parametrize(("value", "found"), [(b"an attack", ["a"]), (b"nothing", [])])
async def test_findings(inspector: RuleInspector, size: int, value: bytes, found: list[str]) -> None:
    for _ in range(2):
        made = transaction(value)
        waiting = inspector.inspect(made, Phase.HEAD, Phase.BODY, size)
        assert (waiting is not None) is (size > ON_LOOP_BYTES)
        if waiting is not None:
            await waiting
        assert [finding.rule for finding in made.findings] == found
        assert [finding.action for finding in made.findings] == [Action.DENY] * len(found)
        assert made.scores.inbound == 5 * len(found)
    inspector.close()


async def test_many_at_a_time(inspector: RuleInspector) -> None:
    values = [b"attack" if number % 3 else b"clean" for number in range(60)]
    made = [transaction(value) for value in values]
    waiting = [
        inspector.inspect(one, Phase.HEAD, Phase.BODY, ON_LOOP_BYTES * (number % 2) + number)
        for number, one in enumerate(made)
    ]
    await asyncio.gather(*(one for one in waiting if one is not None))
    assert [bool(one.findings) for one in made] == [value == b"attack" for value in values]
    inspector.close()
