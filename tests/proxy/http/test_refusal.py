"""From errors to statuses."""

from __future__ import annotations

import pytest

from revproxy.errors import (
    ContentError,
    HttpError,
    LimitError,
    PeerClosed,
    PeerTimeout,
    RevproxyError,
    UpstreamError,
)
from revproxy.model import Action, Verdict
from revproxy.proxy.http.pages import REASONS
from revproxy.proxy.http.refusal import LIMIT_STATUS, Refused, from_client, from_upstream, refused_by

CLIENT = [
    (HttpError(431, "head-fields"), 431, "head-fields"),
    (LimitError("body_bytes", 1), 413, "body_bytes"),
    (LimitError("structured_bytes", 1), 413, "structured_bytes"),
    (LimitError("spool_bytes", 1), 503, "spool_bytes"),
    (LimitError("memory_bytes", 1), 503, "memory_bytes"),
    (LimitError("xml_depth", 1), 400, "xml_depth"),
    (ContentError("bad_encoding"), 415, "bad_encoding"),
    (ContentError("json"), 400, "json"),
    (PeerTimeout("x"), 408, "client-timeout"),
    (PeerClosed("x"), 400, "client-gone"),
    (Refused(418, "teapot"), 418, "teapot"),
]
UPSTREAM = [
    (PeerTimeout("x"), 504, "upstream-timeout"),
    (UpstreamError("pool_full"), 503, "pool_full"),
    (UpstreamError("refused"), 502, "upstream-failed"),
    (HttpError(502, "bare-lf"), 502, "upstream-failed"),
    (LimitError("head_bytes", 1), 502, "head_bytes"),
    (PeerClosed("x"), 502, "upstream-failed"),
    (Refused(413, "body_bytes"), 413, "body_bytes"),
]


@pytest.mark.parametrize(("error", "status", "reason"), CLIENT)
def test_from_client(error: RevproxyError, status: int, reason: str) -> None:
    got = from_client(error)
    assert (got.status, got.reason, got.verdict.action) == (status, reason, Action.REJECT)


@pytest.mark.parametrize(
    ("action", "asked", "status"),
    [
        (Action.DENY, 0, 403),
        (Action.DENY, 406, 406),
        (Action.DENY, 500, 500),
        (Action.DENY, 429, 429),
        (Action.DENY, 200, 403),
        (Action.DENY, 301, 403),
        (Action.DENY, 401, 403),
        (Action.DENY, 405, 403),
        (Action.DENY, 599, 403),
        (Action.DEFER, 406, 503),
    ],
)
def test_a_rule_may_ask_for_a_status(action: Action, asked: int, status: int) -> None:
    assert refused_by(Verdict(action, status=asked)).status == status


@pytest.mark.parametrize(("error", "status", "reason"), UPSTREAM)
def test_from_upstream(error: RevproxyError, status: int, reason: str) -> None:
    got = from_upstream(error)
    assert (got.status, got.reason) == (status, reason)
    if not isinstance(error, Refused):
        assert got.verdict.action is Action.ALLOW


@pytest.mark.parametrize(
    ("action", "status"), [(Action.DENY, 403), (Action.DEFER, 503), (Action.DROP, 403), (Action.REJECT, 403)]
)
def test_refused_by(action: Action, status: int) -> None:
    verdict = Verdict(action, 7, "why")
    got = refused_by(verdict)
    assert (got.status, got.verdict) == (status, verdict)


def test_every_status_has_a_page() -> None:
    assert set(LIMIT_STATUS.values()) <= set(REASONS)
