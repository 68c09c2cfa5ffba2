"""Where a rule goes on once it has matched: markers, ids and counts become positions."""

from __future__ import annotations

from collections.abc import Sequence

from revproxy.detection.rules import Marker, Rule
from revproxy.errors import RuleError
from revproxy.model import Phase


def jumps_of(listed: Sequence[Rule | Marker]) -> dict[int, int]:
    """For each rule that jumps, the position (among rules) before which those of its phase are passed over.

    Raises RuleError for a place that does not come after the rule.
    """
    places: dict[str, int] = {}
    jumps: dict[int, int] = {}
    ends: dict[Phase, list[int]] = {}
    """For each phase, the positions behind its rules that come after the current one, the nearest last."""
    at = sum(isinstance(entry, Rule) for entry in listed)
    for entry in reversed(listed):
        if isinstance(entry, Marker):
            places[entry.name.lower()] = at
            continue
        at -= 1
        own = ends.setdefault(entry.phase, [])
        if entry.skip_after:
            if entry.skip_after.lower() not in places:
                raise RuleError(f"rule `{entry.id}`: no marker `{entry.skip_after}` comes after it", entry.origin)
            jumps[at] = places[entry.skip_after.lower()]
        elif entry.skip and own:
            jumps[at] = own[-min(entry.skip, len(own))]
        places[entry.id.lower()] = at + 1
        own.append(at + 1)
    return jumps
