from __future__ import annotations

import time

import pytest

from revproxy.detection.operators.xss_tokens import is_xss


@pytest.mark.parametrize("piece", [b"<", b"<a ", b"<a b=", b"=", b'"', b"<!", b"a=b ", b" ", b"<a x", b"'", b"\0"])
def test_time_is_linear(piece: bytes) -> None:
    value = b"=" + piece * (300_000 // len(piece))
    before = time.process_time()
    is_xss(value)
    assert time.process_time() - before < 1.0
