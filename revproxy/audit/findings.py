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
from typing import Any, Final

from revproxy.audit.access import NAME_BYTES, TARGET_BYTES, listed, quoted, quoted_target, timestamp
from revproxy.audit.redaction import EXCERPT_CHARS, cut_out, excerpt, printable, redact_target, redact_text
from revproxy.audit.telling import message_of
from revproxy.model import Finding, Severity, Verdict

_encode = json.JSONEncoder(separators=(",", ":")).encode
KEY_BYTES: Final = 128
"""Longest argument or header name in a record."""
VERSION: Final = 1
"""What readers of these records know. One that they could misread would say a higher `version`; 1 is not said."""

_SEVERITIES: Final = [""] * (max(Severity) + 1)
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
        if not self.target:
            return {}
        return {
            "method": self.method[:NAME_BYTES].decode("latin-1"),
            "host": self.host[:NAME_BYTES].decode("latin-1"),
            "target": redact_target(self.target[:TARGET_BYTES]).decode("latin-1"),
        }


def seen(finding: Finding) -> dict[str, str]:
    """Where a finding is, and its value as far as it may be told."""
    return {
        "field": finding.field,
        "key": printable(redact_text(finding.key[:KEY_BYTES])),
        "excerpt": excerpt(finding.field, finding.key, finding.value),
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


class Frame:
    """What the records of all findings of a transaction have in common, encoded: what stands before a finding's own,
    behind its score, and at the end."""

    __slots__ = ("after", "before", "decided")

    def __init__(self, before: str, decided: str, after: str) -> None:
        self.before = before
        self.decided = decided
        self.after = after


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
    points = verdict.score if total is None else total
    request = f',"method":{quoted(method)},"host":{quoted(host)},"target":{quoted_target(target)}' if target else ""
    return Frame(
        f'{{"ts":"{timestamp(ts)}","type":"finding","id":{quote(id)},"client":{quote(client)},'
        f'"protocol":{quote(protocol)},"route":{quote(route)},',
        f'"verdict":{quote(verdict.action)},"enforced":{"true" if verdict.enforced else "false"},'
        f'"total":{points},"reason":{quote(verdict.reason)},',
        f'"ruleset":{quote(ruleset)}{request}}}',
    )


class _Rule:
    """What the records of all findings of a rule have in common, encoded."""

    __slots__ = ("begin", "end", "message", "middle", "phase", "severity", "tags", "told")

    def __init__(self, finding: Finding) -> None:
        self.severity = finding.severity
        self.phase = finding.phase
        self.tags = finding.tags
        self.message = "" if finding.filled else finding.message
        """Of a rule that fills nothing in."""
        self.told = quote(self.message.encode("utf-8", "replace").decode("utf-8"))
        self.begin = f'"rule":{quote(finding.rule)},"severity":"{_SEVERITIES[self.severity]}","message":'
        self.middle = f',"phase":{int(self.phase)},'
        self.end = f'"tags":{listed(self.tags)},'

    def holds(self, finding: Finding) -> bool:
        """Whether it is still the same rule: another set may have another one of that name."""
        return (
            self.tags == finding.tags
            and self.severity is finding.severity
            and self.phase is finding.phase
            and (finding.filled or self.message == finding.message)
        )


_rules: Final[dict[str, _Rule]] = {}
"""By id, those that found something."""
_MOST_RULES: Final = 4_096


def _rule_of(finding: Finding) -> _Rule:
    known = _rules.get(finding.rule)
    if known is None or not known.holds(finding):
        if len(_rules) >= _MOST_RULES:
            _rules.clear()
        known = _rules[finding.rule] = _Rule(finding)
    return known


def encode_finding(finding: Finding, frame: Frame) -> bytes:
    """The audit record of a finding. A transaction under attack has many: each is put together by hand."""
    rule = _rule_of(finding)
    message = quote(message_of(finding).decode("utf-8", "replace")) if finding.filled else rule.told
    return (
        f"{frame.before}{rule.begin}{message}{rule.middle}{_seen(finding.field, finding.key, finding.value)},"
        f'"score":{finding.score},{frame.decided}{rule.end}{frame.after}'
    ).encode("ascii")


@lru_cache(maxsize=64)
def _seen(field: str, key: bytes, value: bytes) -> str:
    """`seen`, encoded. Remembered for a moment: several rules find the same."""
    name = _quoted(redact_text(key[:KEY_BYTES]))
    return f'"field":{quote(field)},"key":{name},"excerpt":{_quoted(cut_out(field, key, value))}'


def _quoted(text: bytes) -> str:
    """`printable`, as a quoted JSON string. Where that escapes nothing, there was nothing to be made printable."""
    told = quote(text.decode("latin-1"))
    return told if len(text) + 2 == len(told) <= EXCERPT_CHARS + 2 else quote(printable(text))
