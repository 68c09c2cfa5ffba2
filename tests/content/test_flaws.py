"""What is wrong with a multipart body, in ModSecurity's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.flaws import FLAWS, STRICT, flaws_of_break, flaws_of_type
from revproxy.content.multipart import REASONS
from revproxy.content.parthead import REASONS as HEAD_REASONS

TYPES = [
    (b"multipart/form-data; boundary=x", set()),
    (b"multipart/form-data;boundary=x", set()),
    (b"multipart/form-data", set()),
    (b'multipart/form-data; boundary="x"', {"boundary_quoted"}),
    (b"multipart/form-data boundary=x", {"missing_semicolon"}),
    (b"multipart/form-data; boundary =x", {"boundary_whitespace"}),
    (b"multipart/form-data; boundary= x", {"boundary_whitespace"}),
    (b"multipart/form-data; boundary=", set()),
    (b"multipart/form-data; boundary", set()),
]


@pytest.mark.parametrize(("content_type", "flaws"), TYPES)
def test_of_a_type(content_type: bytes, flaws: set[str]) -> None:
    assert flaws_of_type(content_type) == (flaws | {STRICT} if flaws else set())


BREAKS = [
    ("multipart_preamble", b"x\r\n--b", {"data_before"}),
    ("multipart_epilogue", b"x", {"data_after"}),
    ("multipart_delimiter", b"\nA: b\n", {"lf_line"}),
    ("multipart_delimiter", b"v\n--b\r\nx", {"lf_line", "crlf_lf_lines"}),
    ("multipart_delimiter", b"v\r\n--b\nx\r\n", {"lf_line", "crlf_lf_lines"}),
    ("multipart_delimiter", b"v\r\n--bc\r\n", set()),
    ("multipart_delimiter", b" \r\nx", set()),
    ("multipart_delimiter", b"v\r--b", set()),
    ("multipart_unfinished", b"A: b\n\nv\n--b--", {"lf_line"}),
    ("multipart_unfinished", b"\r\nv", set()),
    ("multipart_header", b"A: b;\r\n c\r\n\r\nx", {"header_folding"}),
    ("multipart_header", b"A: b;\r\n\tc\r\n\r\nx", {"header_folding"}),
    ("multipart_header", b"A: b\nC: d\r\n\r\nx", {"lf_line", "crlf_lf_lines"}),
    ("multipart_header", b"A\r\n\r\n x\n y", set()),
    ("multipart_disposition", b"A: form-data; name='a'\r\n\r\n", {"invalid_quoting"}),
    ("multipart_disposition", b"A: form-data\r\n\r\n", {"invalid_part"}),
    ("multipart_disposition", b"A: form-data;\r\n name=a; name=b\r\n\r\n", {"header_folding"}),
    ("boundary", b"", set()),
    ("content_type", b"", set()),
]


@pytest.mark.parametrize(("reason", "unread", "flaws"), BREAKS)
def test_of_a_break(reason: str, unread: bytes, flaws: set[str]) -> None:
    assert flaws_of_break(reason, unread, b"b") == flaws | {STRICT}


@given(st.sampled_from(sorted(REASONS | HEAD_REASONS)), st.text("\r\n -b='", max_size=30).map(str.encode))
def test_a_broken_body_has_known_flaws_and_is_never_strict(reason: str, unread: bytes) -> None:
    found = flaws_of_break(reason, unread, b"b")
    assert STRICT in found
    assert found <= set(FLAWS)
    assert "crlf_lf_lines" not in found or "lf_line" in found
