"""The mail fields: what of a message the rules get to see."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.rules.fields import FIELDS
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits, Fields
from revproxy.proxy.smtp.fields import fill_envelope, fill_message, windows

LIMITS = ContentLimits()


def filled(message: bytes, limits: ContentLimits = LIMITS) -> Fields:
    fields = Fields()
    fill_message(fields, message, limits)
    assert set(fields) <= set(FIELDS)
    return fields


def attached(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    return (
        "From: Eve <eve@out.example>\r\nSubject: =?utf-8?q?a_b?=\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="B"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n'
        f'--B\r\nContent-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    ).encode() + base64.encodebytes(content).replace(b"\n", b"\r\n") + b"--B--\r\n"  # fmt: skip


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_envelope():
    fields = Fields()
    fill_envelope(fields, b"192.0.2.1", b"helo", b"", [b"a@b.example"])
    assert (fields.first("client"), fields.first("helo"), fields.values("recipients")) == (
        b"192.0.2.1",
        b"helo",
        [b"a@b.example"],
    )


def test_header_and_text():
    fields = filled(attached("a.exe", b"MZ" + b"\0" * 100))
    assert fields.first("subject") == b"a b"
    assert (fields.first("from.name"), fields.first("from.address")) == (b"Eve", b"eve@out.example")
    assert b"subject" in fields.keys("headers")
    assert any(b"hello" in text for text in fields.values("text"))
    assert b"a.exe" in fields.values("files")
    assert b"pe" in fields.values("files.magic")
    assert any(content.startswith(b"MZ") for content in fields.values("files.content"))
    for name in ("files", "files.types", "files.magic", "files.content", "headers"):
        assert len(fields.keys(name)) == len(fields.values(name))


def test_archives():
    fields = filled(
        attached("a.zip", zipped(**{"b.js": b"WScript", "c.zip": zipped(**{"d.exe": b"MZ" + b"x" * 50})}))
    )
    assert {b"b.js", b"c.zip", b"c.zip/d.exe"} <= set(fields.values("archive.names"))
    assert set(fields.keys("archive.names")) == {b"a.zip"}
    assert b"WScript" in fields.values("files.content")
    assert b"c.zip/d.exe" in fields.keys("files.magic")


def test_archives_of_one_message_share_their_bounds():
    many = zipped(**{f"{n}.txt": b"x" for n in range(30)})
    assert b"archive-too-many" in filled(attached("a.zip", many), replace(LIMITS, archive_entries=10)).values(
        "body.error"
    )
    bomb = filled(attached("a.zip", zipped(a=b"\0" * 5_000_000)), replace(LIMITS, archive_bytes=100_000))
    assert any(word.startswith(b"archive-") for word in bomb.values("body.error"))


def test_what_cannot_be_read_is_said_and_raised():
    fields = Fields()
    with pytest.raises((ContentError, LimitError)):
        fill_message(fields, b"A: b\r\n" * 100_000 + b"\r\ntext\r\n", LIMITS)
    assert fields.first("body.error")
    assert fields.values("text")


@given(st.binary(max_size=60), st.integers(2, 20), st.integers(0, 10))
def test_windows_show_every_byte_and_every_short_piece(content, size, overlap):
    overlap = min(overlap, size - 1)
    limits = replace(LIMITS, window_bytes=size, window_overlap_bytes=overlap)
    pieces = list(windows(content, limits))
    assert all(0 < len(piece) <= size for piece in pieces)
    for at in range(len(content) - overlap):
        assert any(content[at : at + overlap + 1] in piece for piece in pieces)


@given(st.binary(max_size=200))
def test_any_message_is_read_or_refused(content):
    fields = Fields()
    try:
        fill_message(fields, content, LIMITS)
    except (ContentError, LimitError):
        assert fields.first("body.error")
