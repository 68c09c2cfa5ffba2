"""When a rule can run: not before every field that it looks at is filled."""

from __future__ import annotations

from revproxy.detection.rules import FIELDS, MATCHED, FieldSpec, Rule
from revproxy.model import Phase, Protocol


def filled(spec: FieldSpec, protocol: Protocol) -> Phase:
    """The phase that fills a field. A mail's header fields come with the message, after the envelope."""
    if protocol is Protocol.SMTP and spec.name in ("headers", "headers.names"):
        return Phase.BODY
    return spec.phase


def phase_of(rule: Rule, protocol: Protocol) -> Phase:
    """The rule's own phase, or a later one in which all its fields are there."""
    phases = [rule.phase]
    for condition in rule.conditions:
        for target in condition.targets:
            spec = FIELDS.get(target.field) if target.field != MATCHED else None
            if spec is not None and protocol in spec.protocols:
                phases.append(filled(spec, protocol))
    return max(phases)
