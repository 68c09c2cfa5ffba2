"""`revproxy inspect --against`: recorded traffic under two configurations, and what the other one changes.

Each transaction is inspected by both before the next is read, so that nothing is held of the traffic. A score alone
is no change: verdict, status and rules are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import tee
from typing import Any

from revproxy.app.build import inspection_of
from revproxy.app.linking import linked_rules
from revproxy.app.offline import Item, Offline, result
from revproxy.audit.access import shown
from revproxy.config import Blame, Settings
from revproxy.detection.link import Told

_SAME = ("verdict", "status", "rules")
_SHOWN = ("verdict", "status", "score", "rules")
_PASSES = "allow"


class Change(StrEnum):
    """What becomes of a transaction, as a person is told; JSON has `_` for blanks."""

    DENIED = "newly denied"
    PASSES = "no longer denied"
    OTHERWISE = "decided otherwise"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: settings, who is to blame for what is wrong with them."""

    settings: Settings
    blame: Blame


@dataclass(frozen=True, slots=True)
class Difference:
    """One transaction that is judged differently: results as `inspect` prints them."""

    name: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def change(self) -> Change:
        """By whether it passes."""
        passed, passes = self.before["verdict"] == _PASSES, self.after["verdict"] == _PASSES
        if passed is passes:
            return Change.OTHERWISE
        return Change.PASSES if passes else Change.DENIED

    @property
    def gone(self) -> list[str]:
        """Rules that do not match any more."""
        return [rule for rule in self.before["rules"] if rule not in self.after["rules"]]

    @property
    def new(self) -> list[str]:
        """Rules that match now."""
        return [rule for rule in self.after["rules"] if rule not in self.before["rules"]]

    def __str__(self) -> str:
        rules = " ".join([*(f"-{rule}" for rule in self.gone), *(f"+{rule}" for rule in self.new)])
        name = shown(self.name.encode("utf-8", "replace"))
        return f"{name}: {self.change}: {_said(self.before)} -> {_said(self.after)}{' ' if rules else ''}{rules}"

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        sides = {"before": self.before, "after": self.after}
        picked = {side: {key: found[key] for key in _SHOWN} for side, found in sides.items()}
        return {"id": self.name, "change": _word(self.change), **picked}


def _word(change: Change) -> str:
    return change.value.replace(" ", "_")


def _said(found: dict[str, Any]) -> str:
    status = f" {found['status']}" if found["status"] is not None else ""
    return f"{found['verdict']}{status}, score {found['score']}"


@dataclass(slots=True)
class Summary:
    """How many of each; rules with the transactions in which they match anew, or not any more."""

    inspected: int = 0
    changes: Counter[Change] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)

    def add(self, found: Difference) -> None:
        """Count it."""
        self.changes[found.change] += 1
        self.new.update(set(found.new))
        self.gone.update(set(found.gone))

    def lines(self) -> Iterator[str]:
        """For a person."""
        counts = ", ".join(f"{self.changes[change]} {change}" for change in Change)
        yield f"{self.inspected} inspected: {counts}"
        for rule in sorted(
            self.new.keys() | self.gone.keys(), key=lambda one: (-self.new[one] - self.gone[one], one)
        ):
            yield f"  {rule}: matches {self.new[rule]} more, {self.gone[rule]} no longer"

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        changes = {_word(change): self.changes[change] for change in Change}
        rules = {rule: {"new": self.new[rule], "gone": self.gone[rule]} for rule in sorted(self.new | self.gone)}
        return {"summary": {"inspected": self.inspected, **changes, "rules": rules}}


def compare(
    kind: str, items: Iterable[Item], sides: tuple[Side, Side], enforces: bool, told: Told, summary: Summary
) -> Iterator[Difference]:
    """The differences, in order; `summary` is kept up to date. Raises LocatedError before the first one."""
    before, after = (_offline(kind, side, enforces, told) for side in sides)
    once, again = tee(items)
    for (item, was), (_, now) in zip(before.outcomes(once), after.outcomes(again), strict=True):
        found = Difference(item.name, result(item.name, was), result(item.name, now))
        summary.inspected += 1
        if any(found.before[key] != found.after[key] for key in _SAME):
            summary.add(found)
            yield found


def _offline(kind: str, side: Side, enforces: bool, told: Told) -> Offline:
    linked = linked_rules(side.settings, side.blame, told)
    return Offline(kind, inspection_of(linked.rules, side.settings), side.settings, linked.excluded, enforces)
