from __future__ import annotations

import time
from pathlib import Path

import pytest

from revproxy.detection.operators.sqli_tokens import fingerprint

LOOKALIKES = Path(__file__).parents[4] / "shared" / "corpora" / "sqli-lookalikes-allow.txt"


@pytest.mark.parametrize("piece", [b"'", b"/*", b"*", b"\\", b"''", b"1 or ", b"--", b"a", b"`", b"[", b"@"])
def test_time_is_linear(piece: bytes) -> None:
    value = b"' " + piece * (300_000 // len(piece))
    before = time.process_time()
    fingerprint(value)
    assert time.process_time() - before < 0.5


@pytest.mark.skipif(not LOOKALIKES.exists(), reason=f"left out: no {LOOKALIKES}")
def test_most_lookalikes_pass() -> None:
    lines = LOOKALIKES.read_bytes().splitlines()
    hits = [line for line in lines if fingerprint(line)]
    assert len(hits) <= len(lines) // 20, hits[:60]
