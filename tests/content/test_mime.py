"""Messages through both readers."""

from __future__ import annotations

import base64
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.mime import Attachment, Message, read_message
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits()
MIXED = b"From: Ann <a@b.c>\r\nSubject: =?utf-8?q?h=C3=A9?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "


def read(data: bytes) -> Message:
    return read_message(data, LIMITS)


def with_part(head: bytes, body: bytes, parameters: bytes = b"boundary=b") -> bytes:
    return MIXED + parameters + b"\r\n\r\n--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


def test_a_plain_message() -> None:
    got = read(b"From: Ann <a@b.c>\r\nSubject: Hi\r\n\r\nHello\r\n")
    assert got.headers == [(b"from", b"Ann <a@b.c>"), (b"subject", b"Hi")]
    assert (got.subject, got.from_name, got.from_address) == (b"Hi", b"Ann", b"a@b.c")
    assert [t.strip() for t in got.texts] == [b"Hello"]
    assert (got.attachments, got.ambiguities, got.error) == ([], [], b"")


def test_what_the_standard_library_writes_is_read_without_ambiguity() -> None:
    message = EmailMessage()
    message["From"] = "Ann <a@b.c>"
    message["Subject"] = "Grüße"
    message.set_content("Grüße aus Köln\n")
    message.add_alternative("<p>Grüße</p>\n", subtype="html")
    message.add_attachment(b"\x89PNG\r\n", maintype="image", subtype="png", filename="ü.png")
    got = read(message.as_bytes())
    assert got.subject == "Grüße".encode()
    assert [t.strip() for t in got.texts] == ["Grüße aus Köln".encode(), "<p>Grüße</p>".encode()]
    assert got.attachments == [Attachment("ü.png".encode(), b"image/png", b"\x89PNG\r\n")]
    assert got.ambiguities == []


def test_a_named_text_is_both_text_and_attachment() -> None:
    got = read(with_part(b"Content-Type: text/html; name=a.hta", b"<b>x</b>"))
    assert [t.strip() for t in got.texts] == [b"<b>x</b>"]
    assert [(a.name, a.kind) for a in got.attachments] == [(b"a.hta", b"text/html")]


def test_charsets_become_utf_8() -> None:
    got = read(with_part(b"Content-Type: text/plain; charset=utf-16", "<script>".encode("utf-16-le")))
    assert b"<script>" in got.texts[0]


def test_two_different_names_are_both_listed() -> None:
    got = read(with_part(b"Content-Type: a/b; name=a.exe\r\nContent-Disposition: attachment; filename=a.txt", b"x"))
    assert {a.name for a in got.attachments} == {b"a.txt", b"a.exe"}
    assert b"several-names" in got.ambiguities


AMBIGUOUS = [
    (with_part(b"Content-Type: text/plain", b"x", b"boundary=b; boundary=c"), b"duplicate-boundary"),
    (with_part(b"Content-Type: text/plain\rX: y", b"x"), b"bare-cr"),
    (with_part(b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64", b"QUJD!!!\x00QUJD"), b"base64"),
    (with_part(b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64", b"QUI=QUJD"), b"base64"),
    (with_part(b'Content-Type: a/b; name="=?utf-8?q?a=2Eexe?="', b"x"), b"encoded-word-filename"),
    (with_part(b"Content-Type: message/partial; id=1; number=1; total=2", b"x"), b"message-partial"),
    (with_part(b"Content-Type: a/b", b"x").replace(b"--b--\r\n", b""), b"no-last-delimiter"),
    (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n", b"no-boundary"),
    (b"From: a\r\nFrom: b\r\n\r\nx", b"duplicate-header"),
    (b"A: b\r\n\r\nx\ny\r\n", b"bare-lf"),
    (
        with_part(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", b"U3ViamVjdDogYQ0KDQpi"),
        b"content",
    ),
]


@pytest.mark.parametrize(("data", "word"), AMBIGUOUS)
def test_ambiguities(data: bytes, word: bytes) -> None:
    assert word in read(data).ambiguities


def test_either_reading_of_base64_junk_is_inspected() -> None:
    head = b"Content-Type: application/octet-stream; name=a\r\nContent-Transfer-Encoding: base64"
    contents = [a.content for a in read(with_part(head, b"TVqQ\r\nAA==\r\nTVqQ")).attachments]
    assert any(c.startswith(b"MZ\x90\x00") for c in contents)


CODED = b"TVqQAAMAAAA="
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00"
BLANKS = [b"base64 ", b"base64\t", b"\r\n base64", b"base64\r\n ", b"base64\r\n\t", b"\tBASE64"]


@pytest.mark.parametrize("coding", BLANKS)
def test_white_space_around_an_encoding_hides_nothing_and_is_no_ambiguity(coding: bytes) -> None:
    part = b"Content-Type: a/b; name=a\r\nContent-Transfer-Encoding: " + coding
    for data in (with_part(part, CODED), b"MIME-Version: 1.0\r\n" + part + b"\r\n\r\n" + CODED + b"\r\n"):
        got = read(data)
        assert got.attachments[0].content == PROGRAM
        assert got.ambiguities == []


CODINGS = [
    (b"7bit", b"base64"),
    (b"base64", b"7bit"),
    (b"quoted-printable", b"base64"),
    (b"base64 (x)", b""),
    (b'"base64"', b""),
    (b"base64; x=y", b""),
]


@pytest.mark.parametrize(("first", "second"), CODINGS)
def test_every_encoding_that_is_declared_is_decoded_and_told(first: bytes, second: bytes) -> None:
    head = b"Content-Type: a/b\r\nContent-Transfer-Encoding: " + first
    head += b"\r\nContent-Transfer-Encoding: " + second if second else b""
    got = read(with_part(head, CODED))
    assert PROGRAM in [a.content for a in got.attachments]
    assert {b"duplicate-header", b"unknown-encoding"} & set(got.ambiguities)


UU = b"begin 644 evil.exe\r\n(35J0``,````\r\n`\r\nend\r\n"


def around(before: bytes = b"", after: bytes = b"") -> bytes:
    data = with_part(b"Content-Type: text/plain", b"hi")
    return data.replace(b"\r\n\r\n--b", b"\r\n\r\n" + before + b"--b", 1) + after


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: x\r\n\r\nHello\r\n" + UU,
        around(UU),
        around(b"", UU),
        with_part(b"Content-Type: a/b; name=x.uu\r\nContent-Transfer-Encoding: base64", base64.b64encode(UU)),
    ],
)
def test_uuencoded_files_are_attachments(data: bytes) -> None:
    assert (b"evil.exe", PROGRAM) in [(a.name, a.content) for a in read(data).attachments]


def test_text_around_the_parts_is_inspected() -> None:
    got = read(around(b"before\r\n", b"after\r\n"))
    assert [t.strip() for t in got.texts] == [b"hi", b"before", b"after"]
    assert got.ambiguities == [b"epilogue", b"preamble"]
    for usual in (b"This is a multi-part message in MIME format.\r\n", b"  \r\n"):
        assert read(around(usual, b"\r\n \r\n")).ambiguities == []


def test_a_part_after_the_last_delimiter_is_told() -> None:
    got = read(around(b"", b"--b\r\nContent-Type: a/b; name=x.exe\r\n\r\nMZ\r\n--b--\r\n"))
    assert b"part-after-end" in got.ambiguities
    assert any(b"x.exe" in text for text in got.texts)


NAMED = [
    b'Content-Disposition: attachment; filename="a.txt"\r\nContent-Disposition: attachment; filename="inv.exe"',
    b'Content-Disposition: attachment filename="inv.exe"',
    b'Content-Disposition: attachment filename="inv.exe"; filename=a.txt',
    b"Content-Disposition: attachment; filename=a.txt; filename=inv.exe",
    b"Content-Type: a/b name=inv.exe",
    b"Content-Disposition: attachment; filename=a.txt; filename*=utf-8''inv%2eexe",
]


@pytest.mark.parametrize("head", NAMED)
def test_all_names_are_listed(head: bytes) -> None:
    assert b"inv.exe" in {a.name for a in read(with_part(head, b"x")).attachments}


def test_the_two_ways_to_write_a_name_together_are_no_ambiguity() -> None:
    head = b"Content-Type: a/b\r\nContent-Disposition: attachment; filename=\"?.pdf\"; filename*=utf-8''%C3%A9.pdf"
    got = read(with_part(head, b"x"))
    assert "é.pdf".encode() in {a.name for a in got.attachments}


def test_an_inner_message_is_opened() -> None:
    inner = with_part(b"Content-Type: a/b; name=x.exe", b"MZ")
    got = read(
        with_part(b"Content-Type: message/rfc822", inner.replace(b"=b\r\n", b"=c\r\n").replace(b"--b", b"--c"))
    )
    assert [(a.name, a.content.strip()) for a in got.attachments] == [(b"x.exe", b"MZ")]


def test_an_encoded_inner_message_is_opened_too() -> None:
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64"
    assert b"secret" in b"".join(read(with_part(head, b"U3ViamVjdDogYQ0KDQpzZWNyZXQ=")).texts)


def test_one_reader_that_fails_is_told() -> None:
    got = read(b"Content-Type: a/b; name*" + b"1" * 5000 + b"=x\r\n\r\nx")
    assert got.error == b"mime-unreadable"
    assert b"reader-failed" in got.ambiguities
    assert got.attachments


def nested(levels: int) -> bytes:
    out = [b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"]
    for n in range(levels):
        out.append(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1))
    return b"".join(out)


HOSTILE = {
    "folded header": b"Subject: a\r\n" + b" folded\r\n" * 150_000 + b"\r\nx",
    "folded header of a part": MIXED
    + b"boundary=b\r\n\r\n--b\r\nX: a\r\n"
    + b" folded\r\n" * 150_000
    + b"\r\nx\r\n--b--",
    "addresses": b"To: " + b", ".join(b"a%d@b.c" % n for n in range(50_000)) + b"\r\n\r\nx",
    "addresses within the limit": b"To: " + b", ".join([b"a@b"] * 50_000) + b"\r\n\r\nx",
    "parameters": b"Content-Type: a/b" + b"".join(b"; a*%d=b" % n for n in range(100_000)) + b"\r\n\r\nx",
    "parameters within the limit": b"Content-Type: a/b" + b"; a*1=b" * 2300 + b"\r\n\r\nx",
    "parentheses": b"From: " + b"(" * 50_000 + b"\r\n\r\nx",
    "parentheses in a type": b"Content-Type: " + b"(" * 15_000 + b"\r\n\r\nx",
    "nested": nested(1500),
    "nested lines": nested(15) + b"\n" * 500_000,
    "nested messages": b"Content-Type: message/rfc822\r\n\r\n" * 2000,
    "parts": MIXED + b"boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 100_000,
    "lines": b"A: b\r\n\r\n" + b"\n" * 5_000_000,
    "fields": b"a:\r\n" * 60_000 + b"\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?" * 25_000 + b"\r\n\r\n",
    "blanks": b"Subject: ?=" + b" " * 240_000 + b"\r\n\r\n",
    "semicolons": b"Content-Type: a/b" + b";" * 16_000 + b"\r\n\r\n",
    "names": b"Content-Type: a/b" + b";name=" * 2600 + b"\r\n\r\n",
    "quoted printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 2_000_000,
    "utf-7": b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AAA" * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_take_less_than_a_second(name: str) -> None:
    before = time.process_time()
    try:
        read(HOSTILE[name])
    except (ContentError, LimitError):
        pass
    assert time.process_time() - before < 1.0


PIECES = st.lists(
    st.sampled_from(
        [
            MIXED + b"boundary=b\r\n\r\n",
            b"Content-Type: message/rfc822\r\n\r\n",
            b"Content-Type: text/html; charset=utf-7; name*0=a; name*=b\r\n",
            b"Content-Disposition: attachment; filename==?utf-8?b?YQ?=\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"From: =?utf-8?q?=22?= <a@b> (\r\n",
            b"\r\n",
            b"--b\r\n",
            b"--b--\r\n",
            b"TVqQAA==\r\n",
            b"\xff\n",
            b"\r",
        ]
    ),
    max_size=15,
).map(b"".join)


@given(st.one_of(st.binary(max_size=300), PIECES))
def test_reads_or_refuses(data: bytes) -> None:
    try:
        got = read(data)
    except (ContentError, LimitError):
        return
    assert all(word.isascii() for word in got.ambiguities)
