"""A staged set beside the one in force: it sees the same, and nobody notices but the records."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from revproxy.audit import About
from revproxy.config.settings import Staging
from revproxy.detection.link import RuleSet, link
from revproxy.detection.rules import Condition, Control, Exclusion, Operator, Rule, SetControl, Target
from revproxy.inspection import Inspection, Policy, RuleInspector, Shadow
from revproxy.inspection.rules import ON_LOOP_BYTES
from revproxy.inspection.shadow import LOOP_SECONDS, MOST_BYTES, MOST_WAITING, SAVED_SECONDS, STEP_BYTES
from revproxy.inspection.staging import Report, decide
from revproxy.model import ALLOWED, UNTOUCHED, Action, Controls, Phase, Protocol, Severity, Transaction, Verdict

HTTP = frozenset({Protocol.HTTP})
POLICY = Policy()


def rule(name: str, pattern: str, field: str = "args", phase: Phase = Phase.BODY) -> Rule:
    condition = Condition((Target(field),), (Operator("rx", pattern),))
    return Rule(name, HTTP, phase, (condition,), Severity.CRITICAL, 5, "m")


OLD = link([rule("old", "attack")])
NEW = link([rule("old", "attack"), rule("new", "garden"), rule("reply", "secret", "reply.body", Phase.REPLY_BODY)])


class World:
    """Both sets, and what came of them."""

    def __init__(self, new: RuleSet = NEW, staging: Staging | None = None, **more: Any) -> None:
        self.records: list[dict[str, Any]] = []
        self.outcomes: Counter[str] = Counter()
        self.inspection = Inspection([RuleInspector(OLD, 1 << 20)], OLD.name, 5.0)
        self.rules: Any = more.pop("rules", None) or RuleInspector(new, 1 << 20)
        self.shadow = Shadow(
            self.rules,
            staging or Staging(),
            lambda line: self.records.append(json.loads(line)),
            count=lambda outcome: self.outcomes.update([outcome]),
            **more,
        )

    async def transact(self, value: bytes, size: int = 10, reply: bytes = b"", policy: Policy = POLICY) -> Verdict:
        """One transaction, as an exchange does it; its verdict."""
        made = Transaction("t1", Protocol.HTTP)
        tape = self.shadow.begin(made, policy, "all", b"a.example", b"/shop")
        made.fields.put("args", [value], [b"q"])
        verdict = await self.inspection.inspect(made, Phase.HEAD, Phase.BODY, policy, size)
        if tape is not None:
            tape.note(Phase.HEAD, Phase.BODY, size)
        if verdict.passes and reply:
            made.fields.put("reply.body", [reply])
            again = await self.inspection.inspect(made, Phase.REPLY_HEAD, Phase.REPLY_BODY, policy, len(reply))
            verdict = again if again.action is not Action.ALLOW else verdict
            if tape is not None:
                tape.note(Phase.REPLY_HEAD, Phase.REPLY_BODY, len(reply))
        # Windows of a long body come and go; the tape keeps its own.
        made.fields.drop("args")
        if tape is not None:
            tape.end(verdict, ABOUT)
        return verdict

    async def report(self) -> Report:
        """Once nobody waits."""
        if self.shadow._work is not None:
            await asyncio.wait([self.shadow._work], timeout=10)
        # What broke is noticed in the turn after.
        await asyncio.sleep(0)
        return self.shadow.report()


ABOUT = About("t1", 0.0, "192.0.2.1", "http", "all", "in-force", b"GET", b"a.example", b"/shop?password=hunter2")


@pytest.mark.parametrize("size", [10, ON_LOOP_BYTES + 1])
async def test_what_only_the_staged_set_denies(size: int) -> None:
    world = World()
    assert (await world.transact(b"garden chair", size)).action is Action.ALLOW
    report = await world.report()
    assert (report.judged, report.new_denials, report.let_pass) == (1, 1, 0)
    (change,) = report.changes
    assert (change.key, change.count) == (("new", "args", "all"), 1)
    assert change.samples[0]["excerpt"] == "garden chair"
    assert "hunter2" not in change.samples[0]["target"]
    (record,) = world.records
    assert (record["type"], record["ruleset"], record["verdict"]) == ("staged", "in-force", "allow")
    assert (record["staged"]["ruleset"], record["staged"]["verdict"]) == (NEW.name, "deny")
    assert [one["rule"] for one in record["staged"]["findings"]] == ["new"]


async def test_where_both_say_the_same_there_is_no_record() -> None:
    world = World()
    assert (await world.transact(b"attack")).action is Action.DENY
    assert (await world.transact(b"harmless")).action is Action.ALLOW
    report = await world.report()
    assert (report.judged, report.new_denials, world.records) == (2, 0, [])
    assert report.seconds > 0


async def test_what_the_staged_set_lets_pass() -> None:
    world = World(link([rule("new", "garden")]))
    assert (await world.transact(b"attack")).action is Action.DENY
    report = await world.report()
    assert (report.new_denials, report.let_pass, report.changes) == (0, 1, ())
    assert world.records[0]["verdict"] == "deny"
    assert world.records[0]["staged"]["verdict"] == "allow"


async def test_answers_are_judged_too() -> None:
    world = World()
    assert (await world.transact(b"x", reply=b"a secret")).action is Action.ALLOW
    assert (await world.report()).changes[0].key == ("reply", "reply.body", "all")


async def test_where_nothing_is_enforced_nothing_is_newly_denied() -> None:
    world = World()
    await world.transact(b"garden", policy=Policy(enforces=False))
    report = await world.report()
    assert (report.judged, report.new_denials) == (1, 0)
    assert world.records[0]["staged"]["verdict"] == "deny"


async def test_where_nothing_is_inspected_nothing_is_judged() -> None:
    world = World()
    await world.transact(b"garden", policy=Policy(inspects=False))
    assert await world.report() == Report()


def asking(*controls: tuple[Control, str]) -> RuleSet:
    """A set that asks for these, of every request."""
    effects = tuple(SetControl(*one) for one in controls)
    always = Rule("asks", HTTP, Phase.HEAD, (Condition((), (), effects=effects),), Severity.NOTICE, 0, "m")
    return link([always, rule("new", "garden")])


async def flow_of(world: World, kind: bytes, asked: Controls, reply: bool) -> Report:
    """What comes of a request with a body, of whose head a rule in force has asked for this."""
    made = Transaction("t1", Protocol.HTTP)
    tape = world.shadow.begin(made, POLICY, "all", b"a.example", b"/shop")
    assert tape is not None
    if kind:
        made.fields.put("body.type", [kind])
    made.controls = asked
    tape.note(Phase.HEAD, Phase.HEAD, 10)
    tape.note(Phase.BODY, Phase.BODY, 10)
    if reply:
        tape.note(Phase.REPLY_HEAD, Phase.REPLY_BODY, 10)
    tape.end(ALLOWED, ABOUT)
    return await world.report()


PROCESSOR, FORCE = Control.BODY_PROCESSOR, Control.FORCE_BODY
ACCESS, REPLY = Control.BODY_ACCESS, Control.REPLY_BODY_ACCESS


@pytest.mark.parametrize(
    ("staged", "kind", "asked", "reply", "otherwise"),
    [
        ([(PROCESSOR, "XML")], b"JSON", UNTOUCHED, True, 1),
        ([(PROCESSOR, "XML")], b"", UNTOUCHED, True, 1),
        ([(PROCESSOR, "XML")], b"XML", UNTOUCHED, True, 0),
        ([(PROCESSOR, "XML")], b"", Controls(body_processor="XML"), True, 0),
        ([], b"JSON", Controls(body_processor="JSON"), False, 1),
        ([], b"", Controls(body_processor="JSON"), False, 1),
        ([(FORCE, "on")], b"JSON", UNTOUCHED, False, 0),
        ([(FORCE, "on")], b"XML", UNTOUCHED, False, 1),
        ([(FORCE, "on")], b"", UNTOUCHED, False, 1),
        ([(ACCESS, "off")], b"JSON", UNTOUCHED, False, 1),
        ([], b"JSON", Controls(body_access=False), False, 1),
        ([(ACCESS, "off"), (PROCESSOR, "XML")], b"JSON", Controls(body_access=False), False, 0),
        ([(REPLY, "off")], b"JSON", UNTOUCHED, True, 1),
        ([(REPLY, "off")], b"JSON", UNTOUCHED, False, 0),
        ([], b"JSON", UNTOUCHED, True, 0),
    ],
)
async def test_a_body_that_the_staged_set_would_have_read_otherwise(
    staged: list[tuple[Control, str]], kind: bytes, asked: Controls, reply: bool, otherwise: int
) -> None:
    report = await flow_of(World(asking(*staged)), kind, asked, reply)
    assert (report.judged, report.otherwise) == (1, otherwise)
    said = decide(report, 3600.0, Staging(transactions=1)).why
    assert ("it would read the body of 1 otherwise (ctl)" in said) is bool(otherwise)


async def test_without_a_body_there_is_no_other_way_to_read_it() -> None:
    world = World(asking((PROCESSOR, "XML"), (FORCE, "on"), (ACCESS, "off")))
    await world.transact(b"harmless", reply=b"ok")
    report = await world.report()
    assert (report.judged, report.otherwise) == (1, 0)


async def test_exclusions_are_those_of_the_staged_set() -> None:
    asked = []

    def excluded(place: str, host: bytes, target: bytes) -> tuple[Exclusion, ...]:
        asked.append((place, host, target))
        return (Exclusion(frozenset({"new"})),)

    world = World(excluded=excluded)
    await world.transact(b"garden")
    assert (await world.report()).new_denials == 0
    assert asked == [("all", b"a.example", b"/shop")]


async def test_the_verdict_is_there_before_the_staged_set_is_asked() -> None:
    class Later(RuleInspector):
        asked = 0

        def inspect(self, *arguments: Any) -> Awaitable[None] | None:
            self.asked += 1
            return super().inspect(*arguments)

    later = Later(NEW, 1 << 20)
    world = World(rules=later)
    for _ in range(3):
        await world.transact(b"garden")
    assert later.asked == 0
    assert (await world.report()).judged == later.asked == 3


async def never() -> None:
    await asyncio.Event().wait()


class Breaks:
    """A staged set that raises, or is never done."""

    set_name, closed = "bad", False

    def __init__(self, how: str) -> None:
        self._how = how

    def inspect(self, *_: object) -> Awaitable[None] | None:
        if self._how == "raises":
            raise ZeroDivisionError("within")
        return never()

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("how", "fault"), [("raises", "ZeroDivisionError: within"), ("hangs", "TimeoutError")])
async def test_a_set_that_breaks_is_not_asked_again(how: str, fault: str) -> None:
    world = World(rules=Breaks(how), seconds=0.01)
    for _ in range(3):
        assert (await world.transact(b"garden")).action is Action.ALLOW
    report = await world.report()
    assert (report.judged, report.failed) == (0, 1)
    assert report.fault.startswith(f"transaction t1: {fault}")
    assert world.rules.closed
    await world.transact(b"garden")
    assert (await world.report()).failed == 1


async def test_a_set_that_holds_the_loop() -> None:
    ticks = iter(range(1000))
    world = World(cpu=lambda: next(ticks) * LOOP_SECONDS * 1.5)
    await world.transact(b"harmless")
    report = await world.report()
    assert (report.judged, report.overran) == (1, 1)
    assert "150 ms on the loop" in report.fault


async def test_a_sample() -> None:
    rolls = iter([0.0, 0.49, 0.5, 0.99])
    world = World(staging=Staging(sample=0.5), chance=lambda: next(rolls))
    for _ in range(4):
        await world.transact(b"x")
    report = await world.report()
    assert (report.judged, report.skipped) == (2, 2)
    assert world.outcomes == {"same": 2, "skipped": 2}


async def test_time_is_bounded() -> None:
    now = 0.0
    ticks = iter(range(1000))
    world = World(staging=Staging(load=0.1), clock=lambda: now, cpu=lambda: next(ticks) * SAVED_SECONDS)
    await world.transact(b"x")
    assert (await world.report()).judged == 1
    await world.transact(b"x")
    assert (await world.report()).skipped == 1
    # A tenth of it has to come back.
    now = SAVED_SECONDS * 10 + 0.1
    await world.transact(b"x")
    assert (await world.report()).judged == 2


async def test_what_waits_is_bounded() -> None:
    world = World()
    for _ in range(MOST_WAITING + 5):
        await world.transact(b"x")
    report = await world.report()
    assert (report.judged, report.dropped) == (MOST_WAITING, 5)
    assert world.shadow._held == 0


async def test_what_is_held_is_bounded() -> None:
    world = World()
    made = Transaction("t", Protocol.HTTP)
    tape = world.shadow.begin(made, POLICY, "all")
    assert tape is not None
    tape.note(Phase.HEAD, Phase.HEAD, MOST_BYTES - STEP_BYTES)
    assert (len(tape.steps), world.shadow._held) == (1, MOST_BYTES)
    tape.note(Phase.BODY, Phase.BODY, 0)
    assert (tape.over, tape.steps, world.shadow._held) == (True, [], 0)
    tape.note(Phase.BODY, Phase.BODY, 1)
    tape.end(ALLOWED, ABOUT)
    assert (world.shadow.report().dropped, world.shadow._held) == (1, 0)


async def test_a_transaction_that_nobody_judged_is_none() -> None:
    world = World()
    tape = world.shadow.begin(Transaction("t", Protocol.HTTP), POLICY, "all")
    assert tape is not None
    tape.end(ALLOWED, ABOUT)
    assert await world.report() == Report()


async def test_closing_forgets_what_waits() -> None:
    world = World()
    await world.transact(b"garden")
    open_tape = world.shadow.begin(Transaction("t", Protocol.HTTP), POLICY, "all")
    assert open_tape is not None
    world.shadow.close()
    open_tape.end(ALLOWED, ABOUT)
    assert await world.report() == Report()
    assert world.shadow.begin(Transaction("t", Protocol.HTTP), POLICY, "all") is None
    assert world.shadow.parts()


async def test_changes_of_many_kinds_are_bounded() -> None:
    world = World()
    about = [About("t", 0.0, "", "http", f"route-{number}", "x") for number in range(500)]
    for one in about:
        made = Transaction("t", Protocol.HTTP)
        tape = world.shadow.begin(made, POLICY, one.route)
        assert tape is not None
        made.fields.put("args", [b"garden"], [b"q"])
        tape.note(Phase.HEAD, Phase.BODY, 1)
        tape.end(ALLOWED, one)
        await world.report()
    assert len(world.shadow._changes) <= 401
    assert world.shadow.report().new_denials == 500
