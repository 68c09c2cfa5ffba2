"""One JSON line for each finding: which signature saw what, where, and what was done about the transaction.

A finding's value is hostile and may be secret: only its redacted excerpt leaves this module.
"""

from __future__ import annotations

import json

from revproxy.audit.access import timestamp
from revproxy.audit.redaction import excerpt, printable, redact_text
from revproxy.audit.telling import message_of
from revproxy.model import Finding, Verdict

_encode = json.JSONEncoder(separators=(",", ":")).encode
KEY_BYTES = 128
"""Longest argument or header name in a record."""


def encode_finding(
    finding: Finding,
    *,
    id: str,  # noqa: A002 - the record's own word
    ts: float,
    route: str,
    verdict: Verdict,
    ruleset: str,
    client: str = "",
    protocol: str = "http",
    total: int | None = None,
) -> bytes:
    """The audit record of a finding.

    `id` is the transaction's and `ts` when it began (`time.time()`); `route` the route's or mail domain's name;
    `verdict` the transaction's. `score` of the record is the finding's, `total` the transaction's: a verdict has no
    score when it allows, so that callers give the sum themselves; None takes the verdict's.
    """
    record = {
        "ts": timestamp(ts),
        "type": "finding",
        "id": id,
        "client": client,
        "protocol": protocol,
        "route": route,
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "message": message_of(finding).decode("utf-8", "replace"),
        "phase": int(finding.phase),
        "field": finding.field,
        "key": printable(redact_text(finding.key[:KEY_BYTES])),
        "excerpt": excerpt(finding.field, finding.key, finding.value),
        "score": finding.score,
        "verdict": verdict.action.value,
        "enforced": verdict.enforced,
        "total": verdict.score if total is None else total,
        "reason": verdict.reason,
        "tags": list(finding.tags),
        "ruleset": ruleset,
    }
    return _encode(record).encode("ascii")
