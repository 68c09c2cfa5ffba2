"""When a rule can run: not before every field that it looks at is filled, or has begun to be."""

from __future__ import annotations

from revproxy.detection.rules import BEGUN, FIELDS, MATCHED, FieldSpec, Rule
from revproxy.model import Phase, Protocol


def filled(spec: FieldSpec, protocol: Protocol) -> Phase:
    """The first phase in which something of a field is there.

    A mail's header fields come with the message, after the envelope. Of arguments those of the query are there at
    once: who asks for them in phase HEAD, as ModSecurity lets one, means these.
    """
    if protocol is Protocol.SMTP and spec.name in ("headers", "headers.names"):
        return Phase.BODY
    if protocol is Protocol.HTTP and spec.name in BEGUN:
        return Phase.HEAD
    return spec.phase


def phase_of(rule: Rule, protocol: Protocol) -> Phase:
    """The rule's own phase, or a later one in which something of all its fields is there."""
    phases = [rule.phase]
    for condition in rule.conditions:
        for target in condition.targets:
            spec = FIELDS.get(target.field) if target.field != MATCHED else None
            if spec is not None and protocol in spec.protocols:
                phases.append(filled(spec, protocol))
    return max(phases)
