"""One JSON line for each finding: which signature saw what, where, and what was done about the transaction; and one
for each transaction that a staged set would have treated otherwise.

A finding's value is hostile and may be secret: only its redacted excerpt leaves this module.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote
from typing import Any, Final, NamedTuple

from revproxy.audit.access import NAME_BYTES, TARGET_BYTES, listed, timestamp
from revproxy.audit.redaction import excerpt, printable, redact_target, redact_text
from revproxy.audit.telling import message_of
from revproxy.model import Finding, Severity, Verdict

_encode = json.JSONEncoder(separators=(",", ":")).encode
KEY_BYTES = 128
"""Longest argument or header name in a record."""
VERSION = 1
"""What readers of these records know. One that they could misread would say a higher `version`; 1 is not said."""

_SEVERITIES = [""] * (max(Severity) + 1)
for _severity in Severity:
    _SEVERITIES[_severity] = _severity.name.lower()

MOST_STAGED: Final = 5
"""Findings of a staged set that are told of a transaction."""


@dataclass(frozen=True, slots=True)
class About:
    """Which transaction a record is about, and which set of rules was in force for it; see `frame_of`."""

    id: str
    ts: float
    client: str
    protocol: str
    route: str
    ruleset: str
    method: bytes = b""
    host: bytes = b""
    target: bytes = b""

    @property
    def request(self) -> dict[str, str]:
        """What may be told of a request; nothing for mail."""
        return _request(self.method, self.host, self.target) if self.target else {}


def seen(finding: Finding) -> dict[str, str]:
    """Where a finding is, and its value as far as it may be told."""
    return _place(finding.field, finding.key, finding.value)


def _place(field: str, key: bytes, value: bytes) -> dict[str, str]:
    return {
        "field": field,
        "key": printable(redact_text(key[:KEY_BYTES])),
        "excerpt": excerpt(field, key, value),
    }


def encode_staged(
    about: About, verdict: Verdict, ruleset: str, staged: Verdict, findings: Sequence[Finding]
) -> bytes:
    """The audit record of a transaction of which a staged `ruleset` says something else than the one in force.

    `verdict` was that of the set in force, and is all that was applied; `staged` and its `findings` changed nothing.
    """
    found: list[dict[str, Any]] = [
        {"rule": one.rule, "score": one.score, **seen(one)} for one in findings[:MOST_STAGED]
    ]
    record = {
        "ts": timestamp(about.ts),
        "type": "staged",
        "id": about.id,
        "client": about.client,
        "protocol": about.protocol,
        "route": about.route,
        "verdict": verdict.action.value,
        "enforced": verdict.enforced,
        "reason": verdict.reason,
        "ruleset": about.ruleset,
        "staged": {
            "ruleset": ruleset,
            "verdict": staged.action.value,
            "enforced": False,
            "score": staged.score,
            "reason": staged.reason,
            "findings": found,
        },
        **about.request,
    }
    return _encode(record).encode("ascii")


class Frame(NamedTuple):
    """What the records of all findings of a transaction have in common, encoded: what stands before a finding's own,
    behind its score, and at the end."""

    before: str
    decided: str
    after: str


def frame_of(
    *,
    id: str,  # noqa: A002 - the record's own word
    ts: float,
    route: str,
    verdict: Verdict,
    ruleset: str,
    client: str = "",
    protocol: str = "http",
    total: int | None = None,
    method: bytes = b"",
    host: bytes = b"",
    target: bytes = b"",
) -> Frame:
    """For `encode_finding`.

    `id` is the transaction's and `ts` when it began (`time.time()`); `route` the route's or mail domain's name;
    `verdict` the transaction's. `score` of a record is the finding's, `total` the transaction's: a verdict has no
    score when it allows, so that callers give the sum themselves; None takes the verdict's. `method`, `host` and
    `target` are a request's, masked as in its access record; mail has none.
    """
    request = _encode(_request(method, host, target))[1:-1] if target else ""
    return Frame(
        f'{{"ts":"{timestamp(ts)}","type":"finding","id":{quote(id)},"client":{quote(client)},'
        f'"protocol":{quote(protocol)},"route":{quote(route)},',
        f'"verdict":{quote(verdict.action)},"enforced":{"true" if verdict.enforced else "false"},'
        f'"total":{verdict.score if total is None else total},"reason":{quote(verdict.reason)},',
        f'"ruleset":{quote(ruleset)}{"," if request else ""}{request}}}',
    )


def encode_finding(finding: Finding, frame: Frame) -> bytes:
    """The audit record of a finding. A transaction under attack has many: each is put together by hand."""
    severity, message = _SEVERITIES[finding.severity], message_of(finding).decode("utf-8", "replace")
    return (
        f'{frame.before}"rule":{quote(finding.rule)},"severity":"{severity}","message":{quote(message)},'
        f'"phase":{int(finding.phase)},{_seen(finding.field, finding.key, finding.value)},"score":{finding.score},'
        f'{frame.decided}"tags":{listed(finding.tags)},{frame.after}'
    ).encode("ascii")


@lru_cache(maxsize=64)
def _seen(field: str, key: bytes, value: bytes) -> str:
    """`seen`, encoded. Remembered for a moment: several rules find the same."""
    return _encode(_place(field, key, value))[1:-1]


@lru_cache(maxsize=64)
def _request(method: bytes, host: bytes, target: bytes) -> dict[str, str]:
    """Remembered for a moment: a request may have many findings."""
    return {
        "method": method[:NAME_BYTES].decode("latin-1"),
        "host": host[:NAME_BYTES].decode("latin-1"),
        "target": redact_target(target[:TARGET_BYTES]).decode("latin-1"),
    }
