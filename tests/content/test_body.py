"""Declared types to readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.body import Kind, declared, kind_of, open_body
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

KINDS = [
    (b"application/x-www-form-urlencoded", Kind.URLENCODED),
    (b"Application/X-WWW-Form-URLEncoded; charset=UTF-8", Kind.URLENCODED),
    (b"multipart/form-data; boundary=x", Kind.MULTIPART),
    (b"application/json", Kind.JSON),
    (b"application/json;charset=utf-8", Kind.JSON),
    (b"application/vnd.api+json", Kind.JSON),
    (b"application/csp-report", Kind.JSON),
    (b"application/x-ndjson", Kind.JSON),
    (b"text/json", Kind.JSON),
    (b"text/xml", Kind.XML),
    (b"application/soap+xml; action=x", Kind.XML),
    (b"application/xml", Kind.XML),
    (b"text/plain", Kind.RAW),
    (b"application/octet-stream", Kind.RAW),
    (b"application/x-protobuf", Kind.RAW),
    (b"application/grpc-web-text", Kind.RAW),
    (b"multipart/mixed; boundary=x", Kind.RAW),
    (b"text/plain; application/json", Kind.RAW),
    (b"application/json, text/plain", Kind.JSON),
    (b"Multipart/Form-Data boundary=x", Kind.MULTIPART),
    (b"\xff", Kind.RAW),
    (b"", Kind.NONE),
]


@pytest.mark.parametrize(("content_type", "kind"), KINDS)
def test_kinds(content_type: bytes, kind: Kind) -> None:
    assert kind_of(content_type) is kind


@pytest.mark.parametrize(
    ("content_type", "processor", "kind", "error"),
    [
        (b"text/plain", "JSON", Kind.JSON, ""),
        (b"no type", "JSON", Kind.JSON, ""),
        (b"no type", "", Kind.RAW, "content_type"),
        (b"no type", "MULTIPART", Kind.MULTIPART, "content_type"),
        (b"multipart/form-data; boundary=x", "URLENCODED", Kind.URLENCODED, ""),
        (b"", "XML", Kind.XML, ""),
        (b"application/json", "RAW", Kind.RAW, ""),
    ],
)
def test_a_rule_may_say_how_a_body_is_read(content_type: bytes, processor: str, kind: Kind, error: str) -> None:
    what = declared(content_type, processor)
    assert (what.kind, what.error) == (kind, error)


REFUSED = [
    (b"text/plain; application/json", "content_type"),
    (b"application/json, text/plain", "content_type"),
    (b"application/json; charset=utf-8; charset=utf-16", "content_type"),
    (b"application/x-www-form-urlencoded; charset=ibm037", "charset"),
    (b"application/x-www-form-urlencoded; charset=utf-7", "charset"),
    (b"application/x-www-form-urlencoded; charset=windows-1252", "charset"),
    (b"application/json; charset=utf-16", "charset"),
    (b"application/xml; charset=utf-16le", "charset"),
    (b"text/plain; charset=utf-16", "charset"),
    (b"multipart/form-data; boundary=x; charset=utf-32", "charset"),
    (b"multipart/form-data", "boundary"),
    (b'multipart/form-data; boundary=""', "boundary"),
    (b"multipart/form-data; boundary=" + b"x" * 71, "boundary"),
    (b'multipart/form-data; boundary="a b"', "boundary"),
    (b'multipart/form-data; boundary="a;b"', "boundary"),
    (b'multipart/form-data; boundary="a\\b"', "boundary"),
    (b'multipart/form-data; boundary="x "', "boundary"),
    (b"multipart/form-data; boundary=x; boundary=y", "content_type"),
    (b"multipart/form-data; boundary*0=x; boundary*1=y", "content_type"),
    (b"multipart/form-data; boundary=a,b", "content_type"),
    (b"multipart/form-data; boundary =x", "content_type"),
]


@pytest.mark.parametrize(("content_type", "reason"), REFUSED)
def test_types_that_are_refused(recorder, content_type: bytes, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        open_body(content_type, ContentLimits(), recorder())
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain; charset=windows-1252",
        b"application/json; charset=iso-8859-1",
        b"multipart/form-data; boundary=" + b"x" * 70,
        b'multipart/form-data; boundary="a:b/c=d,e?"',
        b'application/soap+xml; charset=utf-8; action="urn:x"',
    ],
)
def test_types_that_are_taken(recorder, content_type: bytes) -> None:
    open_body(content_type, ContentLimits(), recorder())


def test_unknown_types_are_windows(read) -> None:
    limits = ContentLimits(window_bytes=8, window_overlap_bytes=2)
    got = read(b"application/x-protobuf", b"0123456789", limits, [3])
    assert got.told == [("window", b"", b"01234567"), ("window", b"", b"6789")]


@pytest.mark.parametrize(
    "content_type", [b"", b"text/plain", b"application/octet-stream", b"image/png", b"foo/bar", b"a/yaml"]
)
def test_a_body_without_a_telling_type_is_read_as_what_it_looks_like_too(read, content_type: bytes) -> None:
    got = read(content_type, b' \n{"a":"x","a":"y"}', None, [1, 3])
    assert got.told[0] == ("window", b"", b' \n{"a":"x","a":"y"}')
    assert got.of("derived") == [(b"json.a", b"x"), (b"json.a", b"y")]
    assert read(content_type, b"[1]").of("derived") == [(b"json.0", b"1")]
    assert read(content_type, b"<a b='1'>t</a>").told[1:] == [("xml_namespace", b"1"), ("xml_text", b"t")]


@pytest.mark.parametrize(
    "body", [b"{no", b"<!DOCTYPE a><a/>", b"<a", b"hello", b"", b"   ", b"{\xff}", b"<a>&x;</a>"]
)
def test_guesses_that_fail_say_nothing(read, body: bytes) -> None:
    assert [t for t in read(b"", body).told if t[0] != "window"] == []


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"image/png", b"application/graphql"])
def test_a_form_under_another_type_is_read_too(read, content_type: bytes) -> None:
    assert read(content_type, b"a=b%41+c&d=e").of("derived") == [(b"a", b"bA c"), (b"d", b"e")]


def test_a_guess_has_the_limit_of_structured_bodies(read) -> None:
    limits = ContentLimits(structured_bytes=10)
    assert read(b"", b'{"a":"xxxxxxxxxxxxx"}', limits, [5]).arguments == []
    with pytest.raises(LimitError):
        read(b"", b"[1,2,3]", ContentLimits(arguments=2))


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/x-www-form-urlencoded",
        b"application/json",
        b"text/xml",
        b"",
        b"a/b",
        b"multipart/form-data; boundary=x",
    ],
)
def test_a_declared_type_with_no_body_is_nothing(read, content_type: bytes) -> None:
    assert read(content_type, b"").told == []


TYPES = st.sampled_from([c for c, _ in KINDS])


@given(content_type=st.one_of(TYPES, st.binary(max_size=40)), body=st.binary(max_size=100))
def test_any_type_and_any_body_parse_or_are_refused(read, content_type: bytes, body: bytes) -> None:
    kind_of(content_type)
    try:
        read(content_type, body)
    except (ContentError, LimitError):
        pass


@given(
    content_type=TYPES.filter(lambda t: b"boundary" not in t),
    body=st.text('{}[]<>"=&a1/ \n', max_size=60).map(str.encode),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_how_a_body_comes_changes_nothing(read, content_type: bytes, body: bytes, cuts: list[int]) -> None:
    def told(cuts: list[int]) -> object:
        try:
            return read(content_type, body, None, cuts).told
        except (ContentError, LimitError) as error:
            return str(error)

    assert told(cuts) == told([])
