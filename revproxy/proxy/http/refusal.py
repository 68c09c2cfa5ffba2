"""Refusing a request: one exception inside the exchange, and one table from errors to statuses."""

from __future__ import annotations

from typing import Final

from revproxy.errors import (
    ContentError,
    HttpError,
    LimitError,
    PeerTimeout,
    RevproxyError,
    UpstreamError,
)
from revproxy.model import Action, Verdict
from revproxy.proxy.http.pages import REASONS

LIMIT_STATUS: Final = {
    "body_bytes": 413,
    "structured_bytes": 413,
    "argument_bytes": 413,
    "arguments": 413,
    "spool_bytes": 503,
    "memory_bytes": 503,
    "spool_full": 503,
}
"""What a limit that was reached tells the client; every limit that is not named here is the request's fault: 400."""

DENIALS: Final = frozenset(REASONS) - {405}
"""Statuses that a rule may deny with. 405 would have to say what is allowed (RFC 9110 15.5.6)."""


class Refused(RevproxyError):
    """The exchange ends here with an answer of our own. `reason` is for the records, never for the client."""

    def __init__(
        self, status: int, reason: str, verdict: Verdict | None = None, fields: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """`fields` are sent with the page."""
        super().__init__(reason)
        self.status = status
        self.fields = fields
        self.reason = reason
        self.verdict = verdict if verdict is not None else Verdict(Action.REJECT, 0, reason)


def refused_by(verdict: Verdict) -> Refused:
    """The refusal that carries out a verdict of inspection."""
    if verdict.action is Action.DEFER:
        return Refused(503, verdict.reason, verdict)
    return Refused(verdict.status if verdict.status in DENIALS else 403, verdict.reason, verdict)


def from_client(error: RevproxyError) -> Refused:
    """What went wrong while the request was read or taken apart."""
    match error:
        case Refused():
            return error
        case HttpError():
            return Refused(error.status, error.reason)
        case LimitError():
            return Refused(LIMIT_STATUS.get(error.limit, 400), error.limit)
        case ContentError():
            return Refused(415 if error.reason == "bad_encoding" else 400, error.reason)
        case PeerTimeout():
            return Refused(408, "client-timeout")
        case _:
            return Refused(400, "client-gone")


def from_upstream(error: RevproxyError) -> Refused:
    """What went wrong towards the inside. An overfull pool is ours to say sorry for: 503."""
    match error:
        case Refused():
            return error
        case PeerTimeout():
            return Refused(504, "upstream-timeout", Verdict(Action.ALLOW))
        case UpstreamError() if str(error) == "pool_full":
            return Refused(503, "pool_full", Verdict(Action.ALLOW))
        case LimitError():
            return Refused(502, error.limit, Verdict(Action.ALLOW))
        case _:
            return Refused(502, "upstream-failed", Verdict(Action.ALLOW))
