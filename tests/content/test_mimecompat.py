"""The second reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mimecompat import CompatReading
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits()
TWO = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n"
    b"h\xe9\r\n--b\r\nContent-Type: Application/PDF; name=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
)


def test_leaves() -> None:
    reading = CompatReading(TWO, LIMITS)
    text, pdf = reading.leaves
    assert (text.kind, text.names, text.charset, text.content.rstrip()) == (
        b"text/plain",
        (),
        b"iso-8859-1",
        b"h\xe9",
    )
    assert (pdf.kind, pdf.names, pdf.content) == (b"application/pdf", (b"a.pdf",), b"%PDF")
    assert reading.words == set()
    assert b"Content-Transfer-Encoding: base64" in reading.part_headers


def test_names_of_rfc_2231() -> None:
    head = b"Content-Disposition: attachment; filename*0*=utf-8''%C3%A9; filename*1=.exe\r\n\r\n"
    assert CompatReading(head, LIMITS).leaves[0].names == ("é.exe".encode(),)
    odd = b"Content-Disposition: attachment; filename*=punycode''a-%ff\r\n\r\n"
    assert CompatReading(odd, LIMITS).leaves[0].names == (b"a-\xc3\xbf",)


def test_repairs_are_words() -> None:
    for data, word in (
        (b"Content-Type: multipart/mixed\r\n\r\nx", b"no-boundary"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\nx", b"no-first-delimiter"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx", b"no-last-delimiter"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nQUJ", b"base64"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nQUJD!!QUJD", b"base64"),
        (b"no colon here\r\nA: b\r\n\r\nx", b"header-syntax"),
    ):
        assert CompatReading(data, LIMITS).words >= {word}


def test_limits() -> None:
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 2000
    for data, limits, name in (
        (TWO, ContentLimits(mime_parts=2), "mime_parts"),
        (nested, LIMITS, "mime_depth"),
        (b"A: " + b"a" * 20 + b"\r\n\r\n", ContentLimits(message_head_bytes=10), "message_head_bytes"),
        (TWO, ContentLimits(part_head_bytes=10), "part_head_bytes"),
        (b"A: b\r\n\r\n" + b"\n" * 20, ContentLimits(mime_lines=10), "mime_lines"),
    ):
        with pytest.raises(LimitError, match=name):
            CompatReading(data, limits)


def test_what_the_library_chokes_on_is_refused() -> None:
    with pytest.raises(ContentError, match="mime_unreadable"):
        CompatReading(b"Content-Type: a/b; name*" + b"1" * 5000 + b"=x\r\n\r\n", LIMITS)


HEADS = st.lists(
    st.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Type: text/plain; name*0=a; name*=b; name*x=c; charset=\r\n",
            b"Content-Disposition: attachment; filename*0*=''%; filename*=a\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-Transfer-Encoding: x-uuencode\r\n",
            b"\r\n",
            b"--b\r\n",
            b"--b--\r\n",
            b"begin 644 x\n#xyz\n",
            b"\xff\r",
        ]
    ),
    max_size=12,
).map(b"".join)


@given(st.one_of(st.binary(max_size=300), HEADS))
def test_reads_or_refuses(data: bytes) -> None:
    try:
        CompatReading(data, LIMITS)
    except (ContentError, LimitError):
        pass
