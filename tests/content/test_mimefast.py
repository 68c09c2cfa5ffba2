"""The first reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mimefast import read_fast
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits()
TWO = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n"
    b"h\xe9\r\n--b\r\nContent-Type: Application/PDF; name=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
)


def test_leaves() -> None:
    text, pdf = read_fast(TWO, LIMITS)
    assert (text.kind, text.names, text.charset, text.content.rstrip()) == (
        b"text/plain",
        (),
        b"iso-8859-1",
        b"h\xe9",
    )
    assert (pdf.kind, pdf.names, pdf.content) == (b"application/pdf", (b"a.pdf",), b"%PDF")


def test_limits() -> None:
    with pytest.raises(LimitError, match="mime_parts"):
        read_fast(TWO, ContentLimits(mime_parts=2))
    with pytest.raises(LimitError, match="mime_depth"):
        read_fast(TWO, ContentLimits(mime_depth=0))


@given(st.binary(max_size=300))
def test_reads_or_refuses(data: bytes) -> None:
    try:
        read_fast(data, LIMITS)
    except (ContentError, LimitError):
        pass
