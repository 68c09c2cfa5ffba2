"""What a configuration does about a denial by now: the rule may be gone, the field left out already. Pure.

A log tells of the past; what it denied then need not be denied any more, and is not proposed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from revproxy.app.excluded import Excluded
from revproxy.app.proposing.records import Denial
from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import Exclusion, Target
from revproxy.proxy.http import Exclusions


class Standing:
    """What one configuration has: its rules, its exclusions, its routes and mail domains (`places`, by protocol)."""

    def __init__(self, rules: Iterable[str], excluded: Excluded, places: Mapping[str, frozenset[str]]) -> None:
        self._rules = frozenset(rules)
        self._places = places
        self._web = {name: Exclusions(some) for name, some in excluded.routes.items()}
        self._mail = excluded.domains
        self._left = lru_cache(maxsize=65_536)(self._left_out)

    def still(self, denials: Iterable[Denial]) -> tuple[list[Denial], Counter[str]]:
        """Those that would be denied now, too; and how many would not, by why."""
        found, left = [], Counter[str]()
        for one in denials:
            if why := self._why_not(one):
                left[why] += 1
            else:
                found.append(one)
        return found, left

    def _why_not(self, one: Denial) -> str:
        if one.route not in self._places.get(one.protocol, ()):
            return "there is no such route or mail domain in the configuration"
        if one.rule not in self._rules:
            return "there is no such rule any more"
        path = one.target.partition("?")[0]
        if self._left(one.protocol, one.route, one.rule, one.field, one.key, one.host, path):
            return "the configuration leaves it out already"
        return ""

    def _left_out(self, protocol: str, route: str, rule: str, field: str, key: str, host: str, path: str) -> bool:
        some: Iterable[Exclusion] = self._mail.get(route, ())
        if protocol == "http":
            some = self._web[route].of(_bytes(host).lower(), _bytes(path)) if route in self._web else ()
        of_rule = [one.targets for one in some if rule in one.rules]
        return any(not targets or any(_covers(one, field, key) for one in targets) for targets in of_rule)


def _covers(target: Target, field: str, key: str) -> bool:
    if target.field != field:
        return False
    if target.pattern is not None:
        return rx(target.pattern).test(key.lower().encode())
    return target.key is None or target.key == key.lower().encode()


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")
