"""Requests that make servers disagree (corpus of http-desync-guardian), on a wire against a front.

Every Severe one is refused and reaches nobody. Of the Compliant ones only those of `REFUSED` are refused, each for
the reason that stands there. The corpus holds heads only: those that announce a body get an empty one, and where they
name transfer codings, one that was really coded as well.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "proxy" / "http"))

from harness import World, chunked, coded, off, world  # noqa: E402 - found where the line above says

CORPUS = ROOT.parent / "shared" / "corpora" / "desync.jsonl.gz"
SIZE = 159
MOST_REFUSED = 4

_PARAMETER = "chunked has no parameters: their presence is to be treated as an error (RFC 9112 7.1)"
REFUSED = {
    "more-compliant-tests/TE with custom parameters OK": ("transfer-coding", _PARAMETER),
    "rfc-compliant/Transfer-Encoding with a param: chunked;custom_param": ("transfer-coding", _PARAMETER),
    "rfc-compliant/Compliant URL": ("target", "a fragment and bare quotes are no part of a target (RFC 9112 3.2.1)"),
    "rfc-compliant/Empty URI": ("target-form", "no form of a target is empty (RFC 9112 3.2)"),
}
"""Compliant requests that are refused: the recorded reason, and why that is right."""

pytestmark = pytest.mark.e2e


def corpus() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        pytest.skip(f"left out: {CORPUS} is not there, so none of its {SIZE} requests was sent")
    with gzip.open(CORPUS) as file:
        cases = [json.loads(line) for line in file]
    for case in cases:
        case["raw"] = base64.b64decode(case["raw_b64"])
    return cases


@pytest.fixture
async def front(tmp_path: Path) -> Any:
    """Nothing is inspected here: it is the gate alone that must refuse."""
    async with world(folder=str(tmp_path), routes=[off()]) as made:
        yield made


def completed(raw: bytes) -> bytes:
    """The corpus holds heads: a body for those that announce one."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if re.search(rb"(?i)\ntransfer-encoding:.*chunked", head):
        return raw + (b"" if body.endswith(b"0\r\n\r\n") else b"0\r\n\r\n")
    length = re.search(rb"(?i)\ncontent-length:[ \t]*([0-9]{1,7})[ \t]*(?:\r|$)", head)
    return raw + b"x" * max(0, int(length[1]) - len(body)) if length else raw


async def outcome(front: World, data: bytes) -> tuple[int | None, str, int]:
    """(status of the first answer, None for a connection closed without; the recorded reason; requests inside)."""
    before, recorded = len(front.inside.requests), len(front.records.access_lines)
    caller = await front.call()
    caller.send(data)
    caller.end()
    answer = await caller.rest()
    caller.close()
    status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None
    records = front.records.access_lines[recorded:]
    reason = json.loads(records[0]).get("reason", "") if records else ""
    return status, reason, len(front.inside.requests) - before


def tails(raw: bytes) -> Iterator[bytes]:
    """The request as it is, with a body that some reading of it asks for, and with something smuggled behind."""
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield raw
    yield completed(raw)
    yield raw + b"0\r\n\r\n" + smuggled
    yield raw + b"\r\n" + smuggled
    yield raw + b"x" * 2000


async def test_every_severe_request_is_refused(front: World) -> None:
    severe = [case for case in corpus() if case["tier"] == "Severe"]
    assert len(severe) == 58
    for case in severe:
        for data in tails(case["raw"]):
            status, reason, inside = await outcome(front, data)
            assert inside == 0, f"{case['id']} went inside: {data!r}"
            assert status is None or 400 <= status < 600, f"{case['id']} got {status}"
            assert reason not in ("client-gone", "client-timeout"), f"{case['id']} was only waited for: {data!r}"
    assert front.inside.received == b""


async def test_the_compliant_requests_are_taken(front: World, capsys: pytest.CaptureFixture[str]) -> None:
    cases = corpus()
    assert len(cases) == SIZE
    table: Counter[tuple[str, str]] = Counter()
    refused: dict[str, str] = {}
    for case in cases:
        status, reason, inside = await outcome(front, completed(case["raw"]))
        taken = inside == 1 and status == 200
        assert taken or inside == 0
        table[case["tier"], "forwarded" if taken else f"refused {status}"] += 1
        if case["tier"] == "Compliant" and not taken:
            refused[case["id"]] = reason
    with capsys.disabled():
        print("\n" + "\n".join(rows(table)))
    assert refused == {name: reason for name, (reason, _) in REFUSED.items()}


def test_few_compliant_requests_are_refused() -> None:
    assert len(REFUSED) <= MOST_REFUSED


_FOUR = "gzip,deflate,identity,compress"
CODED = {
    "more-compliant-tests/Correct TE OK": "gzip",
    "more-compliant-tests/Transfer-Encoding: identity and chunked OK": "deflate,identity",
    "more-compliant-tests/Multiple transfer encoding headers in a single request OK": _FOUR,
    "rfc-compliant/Different Transfer-Encoding headers": _FOUR,
    "rfc-compliant/Different Transfer-Encoding headers combined": _FOUR,
}
"""Compliant requests with transfer codings before `chunked`: what a sender does to a body before it is chunked."""


async def test_a_body_with_transfer_codings_arrives_decoded(front: World) -> None:
    body = b"a=b&c=%27hello" * 500
    cases = {case["id"]: case["raw"] for case in corpus()}
    assert set(CODED) == {name for name, raw in cases.items() if name not in REFUSED and compliantly_coded(raw)}
    for name, codings in CODED.items():
        status, _, inside = await outcome(front, cases[name] + chunks(coded(body, codings)))
        assert (status, inside) == (200, 1), name
        asked = front.inside.requests[-1]
        assert asked.body == body
        assert asked.get(b"transfer-encoding") is None
        assert asked.get(b"content-length") == b"%d" % len(body)


async def test_a_body_that_is_not_what_its_codings_say_is_refused(front: World) -> None:
    body = b"a=b&c=%27hello" * 500
    cases = {case["id"]: case["raw"] for case in corpus()}
    for name, codings in CODED.items():
        packed = coded(body, codings)
        cut = () if codings.endswith("compress") else (packed[:-1], packed + b"x")
        for payload in (body, packed[1:], packed[: len(packed) // 2], b"0", *cut):
            status, reason, inside = await outcome(front, cases[name] + chunks(payload))
            assert (status, reason, inside) == (400, "transfer-coding-data", 0), f"{name}: {payload[:50]!r}"
    assert front.inside.received == b""


def chunks(payload: bytes) -> bytes:
    return chunked(payload).partition(b"\r\n\r\n")[2]


def compliantly_coded(raw: bytes) -> bool:
    """Whether the head names transfer codings and no length; the corpus has such ones in the tier Compliant only."""
    lists = re.findall(rb"(?i)\r\ntransfer-encoding:([^\r]*)", raw)
    members = b",".join(lists).lower().replace(b" ", b"").replace(b"\t", b"").split(b",")
    known = {b"gzip", b"deflate", b"identity", b"compress"}
    return members[-1] == b"chunked" and known.issuperset(members[:-1]) and len(members) > 1 and CL not in raw.lower()


CL = b"\r\ncontent-length"


def rows(table: Counter[tuple[str, str]]) -> Iterator[str]:
    columns = sorted({column for _, column in table})
    yield f"{'desync tier':<12}" + "".join(f"{column:>14}" for column in columns)
    for tier in ("Compliant", "Acceptable", "Ambiguous", "Severe"):
        yield f"{tier:<12}" + "".join(f"{table[tier, column]:>14}" for column in columns)
