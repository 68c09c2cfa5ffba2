"""Two engines over the same requests: which rules fired on one side only, counted by rule and side. Nothing here
knows where requests come from, or what prints the result."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from revproxy.app.ftw import Observed

Key = tuple[str, str]
"""(rule, the side that has it: "ours" or "modsecurity")"""


_SUMS = ("949", "959", "980")
"""How ids of CRS's rules begin that look at scores only."""


BROKEN = "90006"
"""A rule that is not of the rule set: the body breaks its type. Told apart, and no difference by itself."""


class Engine(Protocol):
    """`InProcess`, or the oracle behind the same surface."""

    def run(self, raw: bytes) -> Observed:
        """What becomes of one request."""


class Named(Protocol):
    """A request with a name."""

    @property
    def name(self) -> str: ...

    @property
    def raw(self) -> bytes: ...


class Listed(Protocol):
    """A known class of difference."""

    @property
    def errs(self) -> str:
        """Who is wrong: "ours", "modsecurity" or "neither"."""

    def covers(self, key: Key, raw: bytes, fired: Collection[str]) -> bool:
        """Whether a difference in this request is of it; `fired` are the rules that both sides have."""


@dataclass(slots=True)
class Comparison:
    """What came of a set."""

    equal: int = 0
    different: dict[str, frozenset[Key]] = field(default_factory=dict)
    """Names of the requests that differ, and in what."""
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the requests that our gate refuses, and the rules that ModSecurity has for them."""
    troubled: dict[str, str] = field(default_factory=dict)
    """Names of those that one side gave no answer to, and why."""
    broken: dict[str, str] = field(default_factory=dict)
    """Names of requests whose body one side alone thinks broken, and which side."""
    micros: dict[str, float] = field(default_factory=dict)
    """What our side took."""
    covered: dict[str, frozenset[Key]] = field(default_factory=dict)
    """Of those that differ: what the list of known differences covers."""
    theirs: set[str] = field(default_factory=set)
    """Of those that differ: in nothing but what the list calls an error of ModSecurity's."""

    @property
    def compared(self) -> int:
        """Requests that both engines looked at."""
        return self.equal + len(self.different)

    def classes(self) -> dict[Key, list[str]]:
        """Names of requests by what they differ in, the most frequent first."""
        found: dict[Key, list[str]] = {}
        for name, keys in self.different.items():
            for key in keys:
                found.setdefault(key, []).append(name)
        return dict(sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0])))

    @property
    def share(self) -> float:
        """Of those compared: how many differ, for whatever reason."""
        return len(self.different) / self.compared if self.compared else 0.0

    @property
    def unexplained(self) -> list[str]:
        """Names of requests that differ in something that is not listed."""
        return [name for name, keys in self.different.items() if keys != self.covered[name]]


def compare(requests: Iterable[Named], ours: Engine, oracle: Engine, listed: Iterable[Listed] = ()) -> Comparison:
    """Show every request to both. Rules compare as sets: one that fires twice fired."""
    known = tuple(listed)
    result = Comparison()
    for request in requests:
        theirs = oracle.run(request.raw)
        began = time.perf_counter()
        mine = _answer(ours, request.raw)
        result.micros[request.name] = (time.perf_counter() - began) * 1e6
        if mine.error or theirs.error:
            result.troubled[request.name] = f"ours: {mine.error}" if mine.error else f"modsecurity: {theirs.error}"
        elif mine.refused:
            result.refused[request.name] = theirs.rules
        else:
            _add(result, request, mine.rules, theirs.rules, known)
    return result


def _add(
    result: Comparison, request: Named, mine: Sequence[str], theirs: Sequence[str], known: Sequence[Listed]
) -> None:
    if (BROKEN in mine) is not (BROKEN in theirs):
        result.broken[request.name] = "ours" if BROKEN in mine else "modsecurity"
    keys = differences(mine, theirs)
    if not keys:
        result.equal += 1
        return
    fired = frozenset(mine) & frozenset(theirs)
    result.different[request.name] = keys
    classes = {key: [one for one in known if one.covers(key, request.raw, fired)] for key in keys}
    result.covered[request.name] = frozenset(key for key, some in classes.items() if some)
    if all(any(one.errs == "modsecurity" for one in some) for some in classes.values()):
        result.theirs.add(request.name)


def _answer(engine: Engine, raw: bytes) -> Observed:
    try:
        return engine.run(raw)
    except Exception as error:  # noqa: BLE001 - nothing that a request contains may raise: told, and counted
        return Observed(error=f"{type(error).__name__}: {error}")


def differences(mine: Iterable[str], theirs: Iterable[str]) -> frozenset[Key]:
    """What stands on one side only; rules that only add up what others found are left out where others differ."""
    left, right = frozenset(mine) - {BROKEN}, frozenset(theirs) - {BROKEN}
    found = [(rule, "ours") for rule in left - right] + [(rule, "modsecurity") for rule in right - left]
    causes = frozenset(key for key in found if not key[0].startswith(_SUMS))
    return causes or frozenset(found)


def report(title: str, result: Comparison, examples: int = 5) -> list[str]:
    """Lines for a person."""
    left = len(result.different) - len(result.theirs)
    lines = [
        f"{title}: {result.compared} compared, {len(result.different)} different ({100 * result.share:.2f} %), "
        f"{len(result.theirs)} of them by listed errors of ModSecurity alone, which leaves {left} "
        f"({100 * left / max(1, result.compared):.2f} %); {len(result.unexplained)} not listed, "
        f"{len(result.refused)} refused by the gate, {len(result.troubled)} without an answer"
    ]
    for key, names in result.classes().items():
        new = [name for name in names if key not in result.covered[name]]
        known = f"{len(new)} NOT LISTED" if new else "listed"
        lines.append(f"  {key[0]} only {key[1]}: {len(names)} ({known}): {' '.join((new or names)[:examples])}")
    if result.refused:
        names = list(result.refused)
        silent = sum(not rules for rules in result.refused.values())
        lines.append(f"  refused: {' '.join(names[:examples])}; ModSecurity has no rule for {silent} of them")
    for side in ("ours", "modsecurity"):
        if names := [name for name, who in result.broken.items() if who == side]:
            lines.append(f"  body broken only for {side}: {len(names)}: {' '.join(names[:examples])}")
    lines += [f"  no answer: {name}: {why}" for name, why in list(result.troubled.items())[:examples]]
    return [*lines, *_times(result.micros)]


def _times(micros: Mapping[str, float]) -> list[str]:
    if not micros:
        return []
    slowest = sorted(micros.items(), key=lambda entry: -entry[1])
    name, most = slowest[0]
    return [f"  ours: median {slowest[len(slowest) // 2][1]:.0f} us, most {most:.0f} us ({name})"]
