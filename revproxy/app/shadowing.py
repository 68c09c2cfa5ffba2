"""What judges, in a worker, by a set that is staged: made of what was prepared (`staged`), and changing nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from revproxy.app.excluded import Excluded
from revproxy.app.prepared import Prepared
from revproxy.audit import Metrics
from revproxy.detection.engine import Loaded
from revproxy.detection.operators.rx import forget
from revproxy.detection.rules import BODY_TYPE, Control
from revproxy.inspection import RuleInspector, Shadow
from revproxy.proxy.http import Exclusions


def shadow_of(prepared: Prepared, loaded: Loaded, record: Callable[[bytes], None], metrics: Metrics) -> Shadow:
    """What judges by prepared rules and changes nothing. It has a thread of its own for what is large."""
    rules, settings = prepared.rules, prepared.settings
    counter = metrics.counter("revproxy_staged_total")

    def count(outcome: str) -> None:
        counter[(outcome,)] += 1

    # Whether a body would be read otherwise is told by how it was read.
    read_as = {BODY_TYPE} if Control.BODY_PROCESSOR in rules.controls else frozenset()
    # Its databases come beside it.
    inspector = RuleInspector(replace(rules, compiled={}), settings.inspection.memory_bytes, loaded)
    forget()
    return Shadow(
        inspector,
        settings.feeds.staging,
        record,
        wanted=rules.fields | read_as,
        excluded=excluded_by(prepared.excluded),
        seconds=settings.limits.timeouts.inspection,
        count=count,
    )


def excluded_by(excluded: Excluded) -> Callable[[str, bytes, bytes], tuple[object, ...]]:
    """What is left out, by name of a route, host and target, or by mail domain."""
    routes = {name: Exclusions(placed) for name, placed in excluded.routes.items()}

    def of(place: str, host: bytes, target: bytes) -> tuple[object, ...]:
        if not target:
            return tuple(excluded.domains.get(place, ()))
        return routes[place].of(host, target) if place in routes else ()

    return of
