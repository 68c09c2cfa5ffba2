"""What a set of rules makes of a set of requests: how many it denies, how many the gate rejects, and by which rules.

Each request goes the whole way of an offline inspection. A rejection is the gate's, before any rule is asked; it is
counted apart, and is as false as a denial where the request is ordinary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from revproxy.app.build import inspection_of
from revproxy.app.linking import linked_rules
from revproxy.app.offline import Item, Offline
from revproxy.config import Settings
from revproxy.model import Action
from tests.differential import traffic


@dataclass(slots=True)
class Tally:
    """Of one set. `rules`: how often each rule matched in a request that was denied."""

    denied: int = 0
    rejected: int = 0
    total: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    """Names of requests that did not go on."""
    passed: list[str] = field(default_factory=list)

    def add(self, name: str, action: Action, rules: Iterable[str]) -> None:
        """Count one request."""
        self.total += 1
        if action is Action.ALLOW:
            self.passed.append(name)
            return
        self.refused.append(name)
        if action is Action.REJECT:
            self.rejected += 1
        else:
            self.denied += 1
            self.rules.update(dict.fromkeys(rules, 1))

    @property
    def share(self) -> float:
        """Per cent that did not go on."""
        return 100.0 * (self.denied + self.rejected) / self.total if self.total else 0.0


class Measured:
    """One set of rules, ready for requests. Raises LocatedError, ManyErrors when it cannot be linked."""

    def __init__(self, settings: Settings) -> None:
        linked = linked_rules(settings)
        self._offline = Offline("http", inspection_of(linked.rules, settings), settings, linked.excluded, True)

    def tally(self, items: Iterable[traffic.Item]) -> Tally:
        """Send them all through."""
        tally = Tally()
        for item, outcome in self._offline.outcomes(_items(items)):
            tally.add(item.name, outcome.verdict.action, (found.rule for found in outcome.findings))
        return tally


def _items(items: Iterable[traffic.Item]) -> Iterator[Item]:
    for item in items:
        yield Item(item.name, item.raw)
