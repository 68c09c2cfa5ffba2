"""Bodies taken apart; whatever the bytes, what was found and what broke becomes fields."""

from __future__ import annotations

import gzip

import pytest
from harness import get
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.rules import FILLED
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits, Controls, Fields, HttpLimits
from revproxy.protocols.http1 import RequestHead, parse_request
from revproxy.proxy.http.reading import Raw, Reading, codings, flows

MOST = 1 << 20
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
XML = b"text/xml"
MULTIPART = b"multipart/form-data; boundary=B"
PART = b'--B\r\nContent-Disposition: form-data; name="a"; filename="x.php"\r\n\r\nv\r\n'


def head(content_type: bytes = b"", *lines: bytes) -> RequestHead:
    typed = (b"Content-Type: " + content_type,) if content_type else ()
    return parse_request(get(b"/", *typed, *lines, method=b"POST"), HttpLimits())


def read(
    content_type: bytes,
    body: bytes,
    *lines: bytes,
    wanted: frozenset[str] = FILLED,
    controls: Controls | None = None,
    limits: ContentLimits | None = None,
) -> Fields:
    reading = Reading(head(content_type, *lines), limits or ContentLimits(), MOST, wanted, controls or Controls())
    for at in range(0, len(body), 7):
        reading.feed(body[at : at + 7])
    reading.finish()
    fields = Fields()
    reading.fill(fields)
    return fields


def test_codings_are_one_list() -> None:
    assert codings(head(b"")) == b""
    assert codings(head(b"", b"Content-Encoding: identity", b"content-encoding: gzip")) == b"identity,gzip"
    with pytest.raises(ContentError, match="bad_encoding"):
        Reading(head(b"", b"Content-Encoding: gzip", b"Content-Encoding: zstd"), ContentLimits(), MOST, FILLED)


@pytest.mark.parametrize(
    ("content_type", "streams"),
    [
        (b"", True),
        (b"image/x", True),
        (b"multipart/form-data; boundary=a", True),
        (b"application/x-www-form-urlencoded", False),
        (b"application/json", False),
        (b"application/soap+xml", False),
    ],
)
def test_what_can_flow(content_type: bytes, streams: bool) -> None:
    assert flows(head(content_type)) is streams


@pytest.mark.parametrize(
    ("content_type", "body", "error", "raw"),
    [
        (FORM, b"a=b", b"", b"a=b"),
        (JSON, b'{"a":1}', b"", b'{"a":1}'),
        (MULTIPART, PART + b"--B--\r\n", b"", PART + b"--B--\r\n"),
        (b"text/plain", b"a=b", b"", b"a=b"),
        (b"", b"a=b", b"", b"a=b"),
        (XML, b"<a/>", b"", b""),
        (XML, b"<a>", b"xml_syntax", b"<a>"),
        (b"text/xml; charset=utf-16", b"<a/>", b"charset", b"<a/>"),
        (b"no type", b"x", b"content_type", b"x"),
        (JSON, b"", b"", b""),
    ],
)
def test_the_body_as_it_is(content_type: bytes, body: bytes, error: bytes, raw: bytes) -> None:
    got = read(content_type, body)
    assert (got.first("body.error"), got.first("body.failed")) == (error, b"1" if error else b"0")
    assert (got.first("body.raw"), got.first("body.length")) == (raw, b"%d" % len(body))
    assert got.first("request").endswith(b"\r\n\r\n" + raw)
    assert got.first("request.length") == b"%d" % (len(got.first("request")) - len(raw) + len(body))


def test_the_raw_body_is_decoded() -> None:
    assert read(FORM, gzip.compress(b"a=b"), b"Content-Encoding: gzip").first("body.raw") == b"a=b"


def test_a_rule_may_force_it_and_say_how_to_read() -> None:
    assert read(XML, b"<a/>", controls=Controls(force_body=True)).first("body.raw") == b"<a/>"
    got = read(b"text/plain", b'{"a":1}', controls=Controls(body_processor="JSON"))
    assert (got.get("args.plain"), got.first("body.type")) == (([b"json.a"], [b"1"]), b"JSON")
    got = read(JSON, b"a=1", controls=Controls(body_processor="URLENCODED"))
    assert (got.get("args.plain"), got.first("body.failed")) == (([b"a"], [b"1"]), b"0")


def test_a_long_body_comes_in_windows_of_which_the_newest_waits() -> None:
    limits = ContentLimits(window_bytes=10, window_overlap_bytes=2)
    raw = Raw(limits, False)
    raw.feed(b"0123456789abcdefgh")
    assert (raw.ready(), raw.last()) == ([b"0123456789"], b"89abcdefgh")
    raw.feed(b"i")
    raw.finish()
    assert (raw.ready(), raw.last()) == ([b"89abcdefgh"], b"ghi")
    assert raw.ready() == []
    raw = Raw(limits, True)
    raw.window(b"", b"piece")
    assert (raw.ready(), raw.last()) == ([b"piece"], None)


def test_nobody_keeps_a_body_that_nobody_wants() -> None:
    assert Reading(head(JSON), ContentLimits(), MOST, FILLED - {"body.raw", "request", "request.length"}).raw is None
    assert list(read(JSON, b'{"a":1}', wanted=frozenset({"body.length"}))) == ["body.length"]


@pytest.mark.parametrize(
    ("content_type", "body", "names"),
    [
        (JSON, b'{"a":"x","a":"y"}', {b"json.a", b"json", b""}),
        (JSON, b'{"a":"x",}', {b"json", b""}),
        (FORM + b", x/y", b"a=x", {b"a", b""}),
        (FORM + b"; charset=ibm037", b"a=x", {b"a", b""}),
        (XML, b"<!DOCTYPE a><a>x</a>", {b""}),
        (MULTIPART, PART.replace(b"\r\n", b"\n"), {b""}),
        (JSON, b'{"a":\x00\x01\x02\x03\x04', {b"json"}),
        (JSON, b"%PDF-1.7", set()),
        (b"no type", b"a=b", set()),
    ],
)
def test_what_broke_is_seen_as_arguments(content_type: bytes, body: bytes, names: set[bytes]) -> None:
    got = read(content_type, body)
    assert set(got.keys("args.plain")) == names
    if b"" in names:
        assert any(value and body.endswith(value) for value in got.values("args.plain"))


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        (FORM, b"a=v&_charset_=utf-7", b"charset"),
        (MULTIPART, PART.replace(b'; filename="x.php"', b"\r\nContent-Type: a/b; charset=hz"), b"charset"),
        (MULTIPART, PART.replace(b'; filename="x.php"', b"\r\nContent-Type: a b"), b"multipart_part_type"),
        (MULTIPART, PART.replace(b'; filename="x.php"', b'; x="\\""'), b"multipart_disposition"),
    ],
)
def test_what_others_may_read_differently_is_read_and_told(content_type: bytes, body: bytes, error: bytes) -> None:
    got = read(content_type, body + b"--B--\r\n" * (content_type is MULTIPART))
    assert (got.first("body.error"), got.first("body.failed")) == (error, b"1")
    assert [*got.keys("args.plain")][:1] == [b"a"]
    assert b"" not in got.keys("args.plain")
    if content_type is MULTIPART:
        told = dict(zip(got.keys("multipart.errors"), got.values("multipart.errors"), strict=True))
        assert [name for name, value in told.items() if value == b"1"] == [b"strict_error"]


def test_of_a_broken_form_the_files_are_seen() -> None:
    got = read(MULTIPART, (PART + b"--B--\r\n").replace(b"\r\n", b"\n"))
    assert got.get("files.plain") == ([b""], [b"x.php"])
    assert got.get("files") == ([b""], [b"x.php"])


@pytest.mark.parametrize(
    ("content_type", "body", "flaws"),
    [
        (MULTIPART, PART + b"--B--\r\n", set()),
        (MULTIPART, b"x" + PART + b"--B--\r\n", {"data_before"}),
        (MULTIPART, PART + b"--B--\r\nx", {"data_after"}),
        (b'multipart/form-data; boundary="B"', PART + b"--B--\r\n", {"boundary_quoted"}),
        (b"multipart/form-data boundary=B", PART + b"--B--\r\n", {"missing_semicolon"}),
        (MULTIPART, PART, {"strict_error"}),
    ],
)
def test_flaws_of_multipart(content_type: bytes, body: bytes, flaws: set[str]) -> None:
    got = read(content_type, body)
    told = zip(got.keys("multipart.errors"), got.values("multipart.errors"), strict=True)
    found = {name.decode() for name, value in told if value == b"1"}
    assert found == (flaws | {"strict_error"} if flaws else set())
    assert "multipart.errors" not in read(JSON, b"{}")


def test_percent_signs_that_are_no_escapes() -> None:
    assert read(FORM, b"a=123456%zz").first("args.error") == b"1"
    assert "args.error" not in read(FORM, b"a=1234%27")
    assert "args.error" not in read(JSON, b'"%zz"')


def test_what_is_salvaged_has_the_limits_of_all_bodies() -> None:
    limits = ContentLimits(structured_bytes=20)
    got = read(b"multipart/form-data", b"x" * 50, limits=limits)
    assert got.values("args.plain") == [b"x" * 20]
    with pytest.raises(LimitError, match="arguments"):
        read(JSON, b'["a"' * 100, limits=ContentLimits(arguments=10, json_depth=1000))


TYPES = [b"", b"image/x", JSON, XML, FORM, MULTIPART, b"multipart/form-data", b"application/json, x"]
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.text("{}[]\",:\\u0\n<>/&;=%+-B'\r ", max_size=200).map(str.encode),
)


@given(st.sampled_from(TYPES), HOSTILE, st.booleans(), st.integers(0, 200), st.booleans())
def test_reading_never_raises_for_what_a_body_contains(
    content_type: bytes, body: bytes, flowing: bool, cut: int, forced: bool
) -> None:
    controls = Controls(force_body=forced)
    reading = Reading(head(content_type), ContentLimits(), MOST, FILLED, controls, flowing)
    try:
        reading.feed(body[:cut])
        reading.feed(body[cut:])
        reading.finish()
    except LimitError:
        return
    fields = Fields()
    reading.fill(fields)
    assert fields.first("body.length") == b"%d" % len(body)
    assert fields.first("body.failed") == (b"1" if reading.error else b"0")
    if not flowing and "body.raw" in fields:
        assert fields.first("body.raw") == body


@given(st.binary(max_size=300), st.sampled_from([b"gzip", b"deflate", b"br", b"gzip, br"]))
def test_a_broken_coding_is_one_error(body: bytes, coding: bytes) -> None:
    reading = Reading(head(b"image/x", b"Content-Encoding: " + coding), ContentLimits(), MOST, FILLED)
    try:
        reading.feed(body)
        reading.finish()
    except (ContentError, LimitError):
        pass


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8))
def test_at_once_every_byte_stands_in_a_window(pieces: list[bytes]) -> None:
    limits = ContentLimits(window_bytes=32, window_overlap_bytes=8)
    reading = Reading(head(b"image/x"), limits, MOST, FILLED, flowing=True)
    assert reading.raw is not None
    body, raw = b"", []
    for piece in pieces:
        reading.feed(piece)
        body += piece
        raw += reading.raw.ready()
        window = reading.collector.windows[-1][1]
        assert body.endswith(window[-8:])
        assert all(len(data) <= 32 for _, data in reading.collector.windows)
    assert raw == [data for _, data in reading.collector.windows]
    whole = b"".join(raw)
    assert len(whole) >= len(body)
    for at in range(max(0, len(body) - 7)):
        assert any(body[at : at + 8] in data for data in raw)
