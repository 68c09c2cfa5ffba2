"""What the two sets that judge the same traffic said, counted, and what follows for the new one. Pure.

    counts, time -> go on | promote | hold, and why

Invariants: counts only grow; a set that broke is held, and one of which too little is known although there was
traffic; one that is under its bound is held for what it denied only where that is coarse; a set is promoted only
after its time, and only under its bound. Who judges, and when, is `shadow`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from math import sqrt
from typing import Any, Final

from revproxy.config.settings import Staging

MOST_CHANGES: Final = 200
"""Different changes that are kept apart, in a worker and of all of them together."""
MOST_SAMPLES: Final = 3
MOST_OVERRUNS: Final = 2
"""One may be somebody else's fault."""
COARSE: Final = 0.1
"""A set that would surely deny such a share is held, however few transactions there were."""
_DEVIATIONS: Final = 3.0
"""Of what chance may do: about one in a thousand."""


class Word(StrEnum):
    """What is to become of a staged set."""

    GO_ON = "go on"
    PROMOTE = "promote"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Decision:
    """A word, and why."""

    word: Word
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a signature of the new set found in traffic that it would deny and the set in force does not."""

    rule: str
    field: str
    route: str
    count: int = 1
    samples: tuple[Mapping[str, str], ...] = ()
    """A few, redacted."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What is counted together."""
        return self.rule, self.field, self.route

    def plus(self, other: Change) -> Change:
        """Both together."""
        samples = (*self.samples, *other.samples)[:MOST_SAMPLES]
        return replace(self, count=self.count + other.count, samples=samples)


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted so far. `report + report` is that of both."""

    judged: int = 0
    """Transactions that both sets have judged."""
    new_denials: int = 0
    """Those that the set in force lets pass and the new one would deny ..."""
    let_pass: int = 0
    """... and the other way round, as far as the set in force looked."""
    skipped: int = 0
    """Not chosen, or the time that may be spent was spent."""
    dropped: int = 0
    """Chosen, but too large, or too many waited."""
    failed: int = 0
    """Transactions at which the new set broke or took too long aside ..."""
    overran: int = 0
    """... and at which it held the loop for too long."""
    otherwise: int = 0
    """Transactions of which the new set would have had a body read otherwise, or not at all; it judged them by what
    the set in force had read."""
    seconds: float = 0.0
    """What judging took."""
    fault: str = ""
    """How it broke first."""
    changes: tuple[Change, ...] = ()
    """The most frequent ones first."""

    def __add__(self, other: Report) -> Report:
        sums: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        changes = together((*self.changes, *other.changes))
        return Report(**sums, fault=self.fault or other.fault, changes=changes)

    def told(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Report:
        """What `told` gave. Raises ValueError, TypeError, KeyError for anything else."""
        sums: dict[str, Any] = {name: kind(told[name]) for name, kind in _COUNTED.items()}
        if min(sums.values()) < 0:
            raise ValueError("less than nothing was counted")
        return cls(**sums, fault=str(told["fault"]), changes=tuple(map(_change, told["changes"])))


_COUNTED: Final = {one.name: float if one.name == "seconds" else int for one in fields(Report)[:9]}


def _change(told: Mapping[str, Any]) -> Change:
    samples = tuple({str(key): str(value) for key, value in one.items()} for one in told["samples"])
    return Change(str(told["rule"]), str(told["field"]), str(told["route"]), int(told["count"]), samples)


def together(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Those of one key added up, the most frequent first, no more than `MOST_CHANGES`."""
    found: dict[tuple[str, str, str], Change] = {}
    for one in changes:
        known = found.get(one.key)
        found[one.key] = one if known is None else known.plus(one)
    return tuple(sorted(found.values(), key=lambda one: (-one.count, one.key))[:MOST_CHANGES])


def decide(report: Report, seconds: float, bounds: Staging) -> Decision:
    """What is to become of the set, so many seconds after both began to judge."""
    if report.failed:
        return Decision(Word.HOLD, f"it could not judge {report.failed} transactions: {report.fault}")
    if report.overran > MOST_OVERRUNS:
        return Decision(Word.HOLD, f"it took too long for {report.overran} transactions: {report.fault}")
    exceeded = exceeds(report.new_denials, report.judged, bounds)
    said = _said(report, bounds)
    if exceeded and least_share(report.new_denials, report.judged) >= bounds.new_denials_share:
        return Decision(Word.HOLD, said)
    if seconds < bounds.least or (report.judged < bounds.transactions and seconds < bounds.most):
        return Decision(Word.GO_ON, said)
    if exceeded or coarse(report, bounds):
        return Decision(Word.HOLD, said)
    seen = report.judged + report.skipped + report.dropped
    if report.judged < bounds.transactions <= seen:
        return Decision(Word.HOLD, f"only {report.judged} of {seen} transactions were judged by both sets; {said}")
    return Decision(Word.PROMOTE, said)


def coarse(report: Report, bounds: Staging) -> bool:
    """Whether it would surely deny a share of which no few transactions are needed to say that it is too much."""
    return least_share(report.new_denials, report.judged) >= max(COARSE, bounds.new_denials_share)


def exceeds(new_denials: int, judged: int, bounds: Staging) -> bool:
    """Whether these are more than both the number and the share that may be."""
    return new_denials > bounds.new_denials and new_denials > bounds.new_denials_share * judged


def least_share(number: int, judged: int) -> float:
    """The share that these surely stand for, whatever chance did: the lower end of Wilson's interval."""
    if not number:
        return 0.0
    share, square = number / judged, _DEVIATIONS**2
    middle = share + square / (2 * judged)
    width = _DEVIATIONS * sqrt(share * (1 - share) / judged + square / (4 * judged**2))
    return max(0.0, (middle - width) / (1 + square / judged))


def _said(report: Report, bounds: Staging) -> str:
    said = (
        f"of {report.judged} transactions that both sets judged it would newly deny {report.new_denials}; "
        f"{bounds.new_denials} may be, or {bounds.new_denials_share * 100:.4g} %"
    )
    if not report.otherwise:
        return said
    return f"{said}; it would read the body of {report.otherwise} otherwise (ctl), and judged them as they were read"


def seconds_left(report: Report, seconds: float, bounds: Staging) -> float:
    """Until it is decided at the latest, or, where enough was judged, at all."""
    until = bounds.least if report.judged >= bounds.transactions else max(bounds.least, bounds.most)
    return max(0.0, until - seconds)
