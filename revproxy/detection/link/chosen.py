"""Which rules an effect is about: by number, tag or message."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import Chosen, RemoveTarget, Rule


class Chooser:
    """Chooses among these rules. An answer is remembered: hundreds of rules may ask for the same tag."""

    __slots__ = ("_beyond", "_ids", "_known", "_messages", "_tags")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._ids = sorted((int(r.id), at) for at, r in enumerate(rules) if r.id.isascii() and r.id.isdigit())
        self._beyond = len(rules)
        self._tags: dict[str, list[int]] = {}
        self._messages: dict[str, list[int]] = {}
        for at, rule in enumerate(rules):
            self._messages.setdefault(rule.message, []).append(at)
            for tag in rule.tags:
                self._tags.setdefault(tag, []).append(at)
        self._known: dict[Chosen, frozenset[int]] = {}

    def of(self, chosen: Chosen) -> frozenset[int]:
        """Positions of the chosen rules. Raises ValueError for a pattern that cannot be read."""
        found = self._known.get(chosen)
        if found is None:
            wanted: set[int] = set()
            for low, high in chosen.ids:
                first, last = bisect_left(self._ids, (low, -1)), bisect_left(self._ids, (high, self._beyond))
                wanted.update(at for _, at in self._ids[first:last])
            wanted.update(_where(chosen.tags, self._tags))
            wanted.update(_where(chosen.messages, self._messages))
            found = self._known[chosen] = frozenset(wanted)
        return found


def _where(patterns: Iterable[str], texts: Mapping[str, list[int]]) -> Iterable[int]:
    tests = [rx(pattern).test for pattern in patterns]
    for text, places in texts.items():
        data = text.encode("utf-8", "surrogateescape")
        if any(test(data) for test in tests):
            yield from places


def chosen_rules(chosen: Chosen, rules: Sequence[Rule]) -> frozenset[int]:
    """Positions of the chosen rules."""
    return Chooser(rules).of(chosen)


def losing_rules(rules: Sequence[Rule]) -> frozenset[int]:
    """Positions of those that others may keep from looking at something."""
    chooser = Chooser(rules)
    effects = (e for r in rules for c in r.conditions for e in c.effects if isinstance(e, RemoveTarget))
    return frozenset[int]().union(*(chooser.of(e.rules) for e in effects))
