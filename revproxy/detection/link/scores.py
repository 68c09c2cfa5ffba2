"""Where rules keep a score of their own."""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.detection.rules import Rule, SetVariable, constant

NAMES = (b"blocking_inbound_anomaly_score", b"inbound_anomaly_score", b"anomaly_score")
"""What rule sets that score call it; the first that is ever set counts. The first is that of OWASP CRS 4."""


def score_of(rules: Iterable[Rule]) -> bytes:
    """The variable that holds the score of what comes in; empty where no rule sets one."""
    effects = (e for r in rules for c in r.conditions for e in c.effects if isinstance(e, SetVariable))
    used = {(constant(e.name) or b"").lower() for e in effects}
    return next((name for name in NAMES if name in used), b"")
