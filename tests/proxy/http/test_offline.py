"""Requests that are not on a wire get the same verdicts as live ones."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from harness import chunked, coded, get, linked, ok, post
from hypothesis import given
from hypothesis import strategies as st

from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.model import Action, Controls, Limits, Phase, Transaction
from revproxy.proxy.http import inspect_request
from revproxy.proxy.outcome import Outcome

INSPECTION = Inspection([RuleInspector(linked(), 1 << 20)], "x", 5.0)


async def inspected(raw: bytes, **policy: bool) -> Outcome:
    return await inspect_request(raw, INSPECTION, Policy(**policy), Limits())


CASES = [
    (get(b"/?q=1"), Action.ALLOW, None, 0),
    (get(b"/?q=minor-1"), Action.ALLOW, None, 3),
    (get(b"/?q=attack-1"), Action.DENY, 403, 5),
    (get(b"/?q=drop-1"), Action.DROP, 403, 5),
    (post(b"a=attack-1"), Action.DENY, 403, 5),
    (chunked(b"a=att", b"ack-1"), Action.DENY, 403, 5),
    (
        post(gzip.compress(b"a=attack-1"), b"application/x-www-form-urlencoded", b"Content-Encoding: gzip"),
        Action.DENY,
        403,
        5,
    ),
    (post(b"a=b") + b"&c=attack-1", Action.DENY, 403, 5),
    (post(b"a=b", b"text/plain", b"Content-Encoding: zstd"), Action.REJECT, 415, 0),
    (
        get(b"/", b"Content-Type: application/x-www-form-urlencoded", method=b"POST") + b"a=attack-1",
        Action.DENY,
        403,
        5,
    ),
    (b"GET / HTTP/1.1\r\n\r\n", Action.REJECT, 400, 0),
    (b"", Action.REJECT, 400, 0),
    (b"GET / HTTP/1.1\r\nHost: a\r\n", Action.REJECT, 400, 0),
    (chunked(b"a=b", end=b""), Action.REJECT, 400, 0),
    (chunked(coded(b"a=attack-1", "gzip,compress"), codings=b"gzip, compress, "), Action.DENY, 403, 5),
    (chunked(coded(b"a=b", "gzip,compress"), codings=b"gzip, compress, "), Action.ALLOW, None, 0),
    (chunked(coded(b"a=b", "gzip")[:-1], codings=b"gzip, "), Action.REJECT, 400, 0),
    (chunked(coded(bytes(1 << 20), "gzip"), codings=b"gzip, "), Action.REJECT, 400, 0),
    (chunked(coded(bytes(range(256)) * (1 << 16) + b"x", "compress"), codings=b"compress, "), Action.REJECT, 413, 0),
    (get(b"/?" + b"a&" * 10_001), Action.REJECT, 413, 0),
]


@pytest.mark.parametrize(("raw", "action", "status", "score"), CASES)
async def test_outcome(raw: bytes, action: Action, status: int | None, score: int) -> None:
    got = await inspected(raw)
    assert (got.verdict.action, got.status, got.score) == (action, status, score)
    assert got.micros >= 0


async def test_detect_has_no_status() -> None:
    got = await inspected(get(b"/?q=attack-1"), enforces=False)
    assert (got.verdict.action, got.status, got.score) == (Action.DENY, None, 5)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda data: get() + data)))
def test_anything_has_an_outcome(raw: bytes) -> None:
    assert asyncio.run(inspected(raw)).verdict.action in Action


class Asks:
    """Sets controls, and says which phases it was asked about."""

    name = "asks"

    def __init__(self, controls: Controls) -> None:
        self.phases: list[tuple[int, int]] = []
        self.names: set[str] = set()
        self._controls = controls

    def inspect(self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool) -> None:
        self.phases.append((first.value, last.value))
        self.names.update(transaction.fields)
        transaction.controls = self._controls


@pytest.mark.parametrize("logs", [False, True])
async def test_phases_and_controls_are_those_of_live_requests(logs: bool) -> None:
    last = [(5, 5)] if logs else []
    for raw, controls, phases, there in (
        (get(), Controls(), [(1, 2)], False),
        (post(b"a=b"), Controls(), [(1, 1), (2, 2)], True),
        (post(b"a=b"), Controls(body_access=False), [(1, 1), (2, 2)], False),
        (get(b"/?" + b"a&" * 10_001), Controls(), [], False),
    ):
        asks = Asks(controls)
        await inspect_request(raw, Inspection([asks], "x", 5.0, logs=logs), Policy(), Limits())
        assert asks.phases == phases + last
        assert ("args.post" in asks.names) is there
    for controls, may_decline, phases in (
        (Controls(), False, [(1, 2), (3, 4)]),
        (Controls(), True, [(1, 2), (3, 3), (4, 4)]),
        (Controls(reply_body_access=False), True, [(1, 2), (3, 3), (4, 4)]),
    ):
        asks = Asks(controls)
        inspection = Inspection([asks], "x", 5.0, logs=logs, may_decline=may_decline)
        await inspect_request(get(), inspection, Policy(), Limits(), ok())
        assert asks.phases == phases + last
        assert ("reply.body" in asks.names) is controls.reply_body_access
    asks = Asks(Controls())
    await inspect_request(b"nothing", Inspection([asks], "x", 5.0, logs=logs), Policy(), Limits())
    assert asks.phases == []
