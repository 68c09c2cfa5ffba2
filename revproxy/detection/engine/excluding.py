"""What a configuration leaves out, as the state of a transaction has it: positions of rules, and lost targets.

Worked out once for each set of exclusions that apply together; there are few. What an effect of a rule takes out is
`effects`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from revproxy.detection.engine.reading import key_test
from revproxy.detection.engine.state import Lost, State
from revproxy.detection.rules import Exclusion, Rule


class _Left(NamedTuple):
    """Rules that do not run, and targets, each with the rules that do not look there."""

    removed: frozenset[int]
    lost: Sequence[tuple[frozenset[int], Lost]]
    mark: Hashable
    """Of a state that begins like this."""


class Excluding:
    """The exclusions of one rule set."""

    __slots__ = ("_known", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._known: dict[tuple[object, ...], _Left] = {}

    def put(self, excluded: tuple[object, ...], state: State) -> None:
        """Put exclusions on the state of a transaction that begins. It counts as untouched: nothing has changed that
        a rule could look at."""
        left = self._known.get(excluded)
        if left is None:
            left = self._known[excluded] = self._left(excluded)
        state.removed |= left.removed
        state.lost += left.lost
        state.mark = left.mark

    def _left(self, excluded: tuple[object, ...]) -> _Left:
        removed: set[int] = set()
        lost: list[tuple[frozenset[int], Lost]] = []
        for one in excluded:
            assert isinstance(one, Exclusion)  # nobody else puts something there
            places = frozenset(at for at, rule in enumerate(self._rules) if rule.id in one.rules)
            if not one.targets:
                removed |= places
            lost += [(places, Lost(t.field, key_test(t))) for t in one.targets if places]
        return _Left(frozenset(removed), lost, object())
