"""Inspecting a message that is not on a wire: a file or a line of recorded traffic, with an envelope beside it.

The same fields and verdicts as for a live message. Line ends are not judged here: files are kept with either kind.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from revproxy.detection.rules import Exclusion
from revproxy.errors import ContentError, LimitError
from revproxy.inspection import Inspection, Policy
from revproxy.model import Action, Limits, Phase, Protocol, Transaction, Verdict
from revproxy.proxy.outcome import Outcome, outcome_of
from revproxy.proxy.smtp.fields import fill_envelope, fill_message

CLIENT = "192.0.2.1"
"""The client's address where none is known (RFC 5737)."""
_NONE: Mapping[str, tuple[Exclusion, ...]] = MappingProxyType({})
_STATUS = {Action.DENY: 550, Action.DROP: 421, Action.DEFER: 451, Action.REJECT: 550}


async def inspect_message(
    raw: bytes,
    envelope: Mapping[str, Any],
    inspection: Inspection,
    policy: Policy,
    limits: Limits,
    excluded: Mapping[str, tuple[Exclusion, ...]] = _NONE,
) -> Outcome:
    """The outcome of one raw message. Never raises for what it contains.

    `envelope` may have client, helo, from and rcpt (a list), all text; `excluded` is what rules leave out, by domain
    of the first recipient.
    """
    began = time.perf_counter()
    recipients = [str(one) for one in envelope.get("rcpt", ())]
    domain = recipients[0].rpartition("@")[2].lower() if recipients else ""
    transaction = Transaction("offline", Protocol.SMTP, excluded=excluded.get(domain, ()))
    fill_envelope(
        transaction.fields,
        _bytes(envelope.get("client") or CLIENT),
        _bytes(envelope.get("helo", "")),
        _bytes(envelope.get("from", "")),
        [_bytes(one) for one in recipients],
    )
    broken = ""
    try:
        fill_message(transaction.fields, raw, limits.content)
    except (ContentError, LimitError) as error:
        broken = error.reason if isinstance(error, ContentError) else error.limit
    verdict = await inspection.inspect(transaction, Phase.HEAD, Phase.BODY, policy)
    if broken and verdict.action is Action.ALLOW and policy.enforces:
        verdict = Verdict(Action.REJECT, verdict.score, broken)
    status = None if verdict.passes else _STATUS[verdict.action]
    return outcome_of(transaction, verdict, status, time.perf_counter() - began)


def _bytes(text: object) -> bytes:
    return str(text).encode("utf-8", "surrogateescape")
