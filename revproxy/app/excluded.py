"""What routes and mail domains leave out of the rules: plain data, made in `exclusions`, kept and sent with rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For its name alone: the room behind it is not needed to pass these on.
    from revproxy.detection.rules import Exclusion
    from revproxy.proxy.http import Placed


@dataclass(frozen=True, slots=True)
class Excluded:
    """By name of a route, by mail domain, and what requests leave out that no route is known of."""

    routes: Mapping[str, tuple[Placed, ...]] = field(default_factory=dict)
    domains: Mapping[str, tuple[Exclusion, ...]] = field(default_factory=dict)
    elsewhere: tuple[Placed, ...] = ()

    def removed(self) -> frozenset[frozenset[str]]:
        """Sets of rules, by id, that may not run in a transaction."""
        placed = [one.exclusion for some in (*self.routes.values(), self.elsewhere) for one in some]
        mail = [one for some in self.domains.values() for one in some]
        return frozenset(one.rules for one in (*placed, *mail) if not one.targets)

    def text(self) -> str:
        """Tells two of these apart."""
        routes = {name: [_placed(one) for one in some] for name, some in sorted(self.routes.items())}
        domains = {name: [_exclusion(one) for one in some] for name, some in sorted(self.domains.items())}
        return repr((routes, domains, [_placed(one) for one in self.elsewhere]))


def _placed(one: Placed) -> tuple[object, ...]:
    return (_exclusion(one.exclusion), one.hosts, one.path)


def _exclusion(one: Exclusion) -> tuple[object, ...]:
    # A set's order differs from process to process.
    return (sorted(one.rules), one.targets)
