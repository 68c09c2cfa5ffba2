"""Heads of multipart parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.parthead import REASONS, canonical_filename, parse_part_head
from revproxy.errors import ContentError

FD = b"Content-Disposition: form-data; "
TAKEN = [
    (FD + b'name="a"', b"a", None, b""),
    (FD + b"name=a", b"a", None, b""),
    (FD + b'name=""', b"", None, b""),
    (b'content-disposition:form-data;name="a"', b"a", None, b""),
    (FD + b'name="a"; filename="b.txt"', b"a", b"b.txt", b""),
    (FD + b'filename="b.txt"; name="a"', b"a", b"b.txt", b""),
    (FD + b'name="a"; filename=""', b"a", b"", b""),
    (FD + b'name="a"; filename="C:\\x\\y.php"', b"a", b"C:\\x\\y.php", b""),
    (FD + b'name="a"; filename="evil.php. "', b"a", b"evil.php", b""),
    (FD + b'name="a"; filename="\xc3\xa9"', b"a", b"\xc3\xa9", b""),
    (FD + b'name="a%22b"', b"a%22b", None, b""),
    (FD + b'name="a;b"', b"a;b", None, b""),
    (FD + b'name="a"\r\nContent-Type: Text/Plain; charset=UTF-8', b"a", None, b"text/plain"),
    (FD + b'name="a"; filename="b"\r\nContent-Type: image/png', b"a", b"b", b"image/png"),
    (FD + b'name="a"; filename="b"\r\nContent-Type: text/plain; charset=utf-16', b"a", b"b", b"text/plain"),
    (FD + b'name="a"\r\nContent-Transfer-Encoding: 8BIT\r\nContent-Length: 3', b"a", None, b""),
    (FD + b'name="a"\r\nContent-Type:', b"a", None, b""),
]
REFUSED = [
    (b"", "multipart_header"),
    (b"X: y", "multipart_disposition"),
    (b"Content-Disposition: attachment; name=a", "multipart_disposition"),
    (b"Content-Disposition: form-data", "multipart_disposition"),
    (b"Content-Disposition: form-datax; name=a", "multipart_disposition"),
    (FD + b"filename=a", "multipart_disposition"),
    (FD + b'name="a"; name="b"', "multipart_disposition"),
    (FD + b'name="a"; NAME="b"', "multipart_disposition"),
    (FD + b'name="a"; filename="b"; filename="c"', "multipart_disposition"),
    (FD + b'name="a"; filename="a.php";filename=b', "multipart_disposition"),
    (FD + b"name=\"a\"; filename*=UTF-8''shell%2ephp", "multipart_disposition"),
    (FD + b'name="a"; filename*0="b"', "multipart_disposition"),
    (FD + b"name=\"a\"; filename='b.php'", "multipart_disposition"),
    (FD + b'name="a"; filename="b\\"', "multipart_disposition"),
    (FD + b'name="a"; filename="b', "multipart_disposition"),
    (FD + b'name="a"; filename="b"x', "multipart_disposition"),
    (FD + b'name="a" filename="b"', "multipart_disposition"),
    (FD + b'name="a"; filename="b\t.php"', "multipart_disposition"),
    (FD + b'name = "a"', "multipart_disposition"),
    (FD + b"name=a b", "multipart_disposition"),
    (FD + b"name=a\r\n" + FD + b"name=a", "multipart_disposition"),
    (FD + b"name=a\r\n folded", "multipart_header"),
    (b" " + FD + b"name=a", "multipart_header"),
    (FD + b'name="a\x00"', "multipart_header"),
    (b"conten\x00-extra: x\r\n" + FD + b"name=a", "multipart_header"),
    (b"Content-Disposition : form-data; name=a", "multipart_header"),
    (FD + b"name=a\nX: y", "multipart_header"),
    (FD + b"name=a\rX: y", "multipart_header"),
    (FD + b"name=a\r\nno colon", "multipart_header"),
    (FD + b"name=a\r\nContent-Type: a/b\r\nContent-Type: a/b", "multipart_part_type"),
    (FD + b"name=a\r\nContent-Type: multipart/mixed; boundary=x", "multipart_nested"),
    (FD + b"name=a\r\nContent-Type: multipart/mixed ; boundary = x", "multipart_nested"),
    (FD + b"name=a\r\nContent-Type: text/plain, multipart/mixed", "multipart_nested"),
    (FD + b"name=a\r\nContent-Type: a/b; charset=hz, a/b; charset=big5, a/b; charset=gbk", "charset"),
    (
        FD + b"name=a\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 7bit",
        "multipart_transfer_encoding",
    ),
]


FLAWED = [
    (FD + b"name=a\r\nContent-Type: text/plain; charset=utf-7", b"", (b"utf-7",), {"charset"}),
    (FD + b"name=a\r\nContent-Type: text/plain; CHARSET=UTF-7", b"", (b"utf-7",), {"charset"}),
    (FD + b"name=a\r\nContent-Type: a/b; charset = 'hz'", b"", (b"hz",), {"charset", "multipart_part_type"}),
    (FD + b"name=a\r\nContent-Type: a/b; charset = utf-8", b"", (), {"multipart_part_type"}),
    (FD + b"name=a\r\nContent-Type: a/b, c/d", b"", (), {"multipart_part_type"}),
    (FD + b"name=a; filename=b\r\nContent-Type: a b; charset=hz", b"", (), {"multipart_part_type"}),
    (FD + b"name=a\r\nContent-Transfer-Encoding: Base64", b"base64", (), {"multipart_transfer_encoding"}),
    (FD + b"name=a\r\nContent-Transfer-Encoding: 7bit x", b"7bit x", (), {"multipart_transfer_encoding"}),
    (FD + b'name="a"; filename="b\\".php"', b"", (), {"multipart_disposition"}),
]


@pytest.mark.parametrize(("head", "coding", "charsets", "flaws"), FLAWED)
def test_what_changes_no_part_is_a_flaw(
    head: bytes, coding: bytes, charsets: tuple[bytes, ...], flaws: set[str]
) -> None:
    got = parse_part_head(head)
    assert (got.field, got.coding, got.charsets, set(got.flaws)) == (b"a", coding, charsets, flaws)
    assert flaws <= REASONS


@pytest.mark.parametrize(("head", "field", "filename", "kind"), TAKEN)
def test_taken(head: bytes, field: bytes, filename: bytes | None, kind: bytes) -> None:
    got = parse_part_head(head)
    assert got.flaws == got.charsets == got.others == ()
    assert (got.field, got.filename, got.content_type) == (field, filename, kind)
    assert b"\r\n".join(got.lines) == head


@pytest.mark.parametrize(("head", "reason"), REFUSED)
def test_refused(head: bytes, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_part_head(head)
    assert caught.value.reason == reason
    assert reason in REASONS


def test_canonical_filename() -> None:
    assert canonical_filename(b" a.php .. ") == b"a.php"
    assert canonical_filename(b".htaccess") == b".htaccess"


@given(st.one_of(st.binary(max_size=60), st.text('name="; \\filename*\r\n:', max_size=60).map(str.encode)))
def test_parses_or_refuses(tail: bytes) -> None:
    for head in (tail, FD + tail, FD + b"name=a" + tail):
        try:
            parse_part_head(head)
        except ContentError as error:
            known = error.reason in REASONS
        else:
            known = True
        assert known


def test_a_head_that_comes_again_is_read_alike() -> None:
    for name in (b"a", b"b" * 300):
        head = b'Content-Disposition: form-data; name="' + name + b'"'
        assert parse_part_head(head) == parse_part_head(head)
        assert parse_part_head(head).field == name
        for _ in range(2):
            with pytest.raises(ContentError):
                parse_part_head(head + b"\r\n folded")
