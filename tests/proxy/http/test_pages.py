"""Our own answers: the status and the transaction id, and nothing else."""

from __future__ import annotations

import pytest

from revproxy.proxy.http.pages import REASONS, page


@pytest.mark.parametrize("status", sorted(REASONS))
def test_page(status: int) -> None:
    reason, fields, body = page(status, "abc123", 5)
    names = [name for name, _ in fields]
    assert reason == REASONS[status]
    assert b"abc123" in body
    assert b"%d" % status in body
    assert body.count(b"\n") <= 3
    assert (b"Retry-After" in names) is (status == 503)
    assert not {b"Server", b"Content-Length", b"Connection"} & set(names)
    assert (b"Cache-Control", b"no-store") in fields


def test_a_page_says_nothing_else() -> None:
    texts = {page(403, "abc", retry)[2] for retry in (1, 2)}
    assert len(texts) == 1
