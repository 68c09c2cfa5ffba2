"""Whole bodies and messages, cut, repeated and stained: every reader of `content` reads them or refuses them."""

from __future__ import annotations

import gzip
import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.compression import inflate
from revproxy.content.archive import FLAGS, names_and_contents
from revproxy.content.body import open_body
from revproxy.content.magic import magic
from revproxy.content.mime import read_message
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

LIMITS = ContentLimits(arguments=50, json_depth=8, xml_depth=8, parts=8, window_bytes=64, window_overlap_bytes=8)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", b"hello " * 30)
    return out.getvalue()


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="f"; '
    b'filename="x.php"\r\nContent-Type: text/plain\r\n\r\n<?php\r\n--b--\r\n'
)
MAIL = b"From: A <a@b.c>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + MULTIPART.replace(b"form-data", b"x")
SEEDS = [
    b"a=1&b=%27&a=+2",
    b'{"a":[1,"x",{"b":"{\\"c\\":null}"}],"d":"\\u00e9"}',
    b"<?xml version='1.0'?><a b='c'>d<e/>f<!--g--><![CDATA[h]]></a>",
    MULTIPART,
    MAIL,
    _zip(),
    gzip.compress(_zip()),
]
TYPES = [
    b"application/x-www-form-urlencoded",
    b"application/json",
    b"application/x-ndjson",
    b"text/xml",
    b"multipart/form-data; boundary=b",
    b"text/plain",
    b"",
]


class Silent:
    """Takes everything and checks that it is bytes of no more than a window where windows are told."""

    derives = True

    def argument(self, name: bytes, value: bytes) -> None:
        assert type(name) is type(value) is bytes

    derived = argument

    def form(self, names: list[bytes], values: list[bytes]) -> None:
        for name, value in zip(names, values, strict=True):
            self.argument(name, value)

    def xml_text(self, value: bytes) -> None:
        assert type(value) is bytes

    xml_whole = xml_attribute = xml_namespace = xml_text

    def part(self, field: bytes, filename: bytes | None) -> None:
        assert type(field) is bytes

    def part_header(self, field: bytes, line: bytes) -> None:
        assert type(field) is type(line) is bytes

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        assert type(field) is type(filename) is type(content_type) is bytes

    def file_size(self, field: bytes, size: int) -> None:
        assert type(field) is bytes
        assert size >= 0

    def window(self, name: bytes, data: bytes) -> None:
        assert type(data) is bytes
        assert len(data) <= LIMITS.window_bytes


@st.composite
def stained(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        at, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        middle = draw(st.sampled_from([b"", data[at:end] * 2, b"\r\n", b"\0", b'"', b"\xff", b"--b", b"=", b"%"]))
        data = data[:at] + middle + (data[end:] if draw(st.booleans()) else data[at:])
    return data


@given(stained(), st.sampled_from(TYPES), st.integers(1, 40))
def test_bodies(data: bytes, content_type: bytes, size: int) -> None:
    try:
        reader = open_body(content_type, LIMITS, Silent())
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
        reader.finish()
    except (ContentError, LimitError):
        pass


@given(stained())
def test_messages_and_archives(data: bytes) -> None:
    assert names_and_contents(data, LIMITS).flags <= FLAGS
    magic(data)
    for read in (lambda: read_message(data, LIMITS), lambda: inflate(data, "gzip", 10_000, 100)):
        try:
            read()
        except (ContentError, LimitError):
            pass
