"""For conditions that cost much to try: what of a value says that it has to be tried at all.

A rule runs because some value may be accepted. With thousands of values, all others would be tried as well. A sieve
holds the patterns of the condition as the groups have them, and the triggers of what is left of its chain: a value
with no match of any is neither accepted as it is nor changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from revproxy.detection.link.chains import Chain, trigger_of
from revproxy.detection.link.patterns import Pattern, Shape, forms
from revproxy.detection.patterns import parse
from revproxy.detection.rules import Condition

Place = tuple[int, int]
"""A condition: the positions of its rule in the set, and of itself in the rule."""
COSTLY = frozenset({"detectSQLi", "detectXSS", "rx"})
"""Operators of conditions that may have a sieve."""
_DEAR = frozenset({"detectSQLi", "detectXSS"})
"""Operators that ordinary text gives a reason to try, and that cost a microsecond and more."""
_STRUCTURAL = frozenset({"detectShell", "detectSQL", "detectTemplate"})
"""Operators behind patterns that ordinary text matches: such conditions are tried in vain more often than others."""


def sieve(
    condition: Condition, chain: Chain, patterns: Iterable[Pattern], later: Sequence[Condition]
) -> Sequence[bytes]:
    """Patterns for values joined with NUL; none where there is no sieve. `later`: the rule's other conditions."""
    triggers = [trigger_of(name) for name in chain.names]
    texts = [pattern.joined for pattern in patterns]
    if not _is_worth_one(condition, later) or None in triggers or None in texts:
        return ()
    changing = [forms(parse(trigger), Shape()).joined for trigger in triggers if trigger]
    return tuple(dict.fromkeys(text for text in (*texts, *changing) if text))


def _is_worth_one(condition: Condition, later: Sequence[Condition]) -> bool:
    if not _DEAR.isdisjoint(o.name for o in condition.operators):
        return True
    looks = {o.name for one in later for o in one.operators}
    return not _STRUCTURAL.isdisjoint(looks) and all(o.name in COSTLY for o in condition.operators)
