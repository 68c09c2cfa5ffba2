"""What the head of a request and of its answer fill in."""

from __future__ import annotations

import pytest
from harness import get
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.arguments import joined
from revproxy.detection.rules import FIELDS, FILLED
from revproxy.errors import LimitError
from revproxy.model import ContentLimits, Fields, HttpLimits, Phase, Protocol
from revproxy.protocols.http1 import ResponseHead, parse_request
from revproxy.proxy.http.fields import fill_head, fill_no_body, fill_reply_body, fill_reply_head, host_name
from revproxy.proxy.http.message import Client

CLIENT = Client("192.0.2.1", "192.0.2.1", b"http", "web", port=4711, local=("192.0.2.80", 443))


def filled(raw: bytes, wanted: frozenset[str] = FILLED) -> Fields:
    fields = Fields()
    fill_head(fields, parse_request(raw, HttpLimits()), CLIENT, ContentLimits(), wanted)
    return fields


def test_a_head() -> None:
    got = filled(get(b"/a/b%2e.php?x=1&y=%32&x=+3", b"User-Agent: ua", b"Cookie: a=b; c=d", b"Cookie: e=f"))
    line = b"GET /a/b%2e.php?x=1&y=%32&x=+3 HTTP/1.1"
    expected = {
        "client": [b"192.0.2.1"],
        "client.port": [b"4711"],
        "host.name": [b"site.example"],
        "host.address": [b"192.0.2.80"],
        "host.port": [b"443"],
        "referer.site": [b""],
        "method": [b"GET"],
        "version": [b"HTTP/1.1"],
        "line": [line],
        "target": [b"/a/b%2e.php?x=1&y=%32&x=+3"],
        "uri": [b"/a/b%2e.php?x=1&y=%32&x=+3"],
        "uri.decoded": [b"/a/b..php?x=1&y=2&x=+3"],
        "path": [b"/a/b%2e.php"],
        "path.decoded": [b"/a/b..php"],
        "basename": [b"b%2e.php"],
        "basename.decoded": [b"b..php"],
        "query": [b"x=1&y=%32&x=+3"],
        "args.get": [b"1", b"2", b" 3"],
        "args.plain": [b"1", b"2", b" 3"],
        "args": [b"1", b"2", b" 3", b"1, 3"],
        "args.size": [b"7"],
        "args.error": [b"0"],
        "cookies": [b"b", b"d", b"f"],
        "cookies.plain": [b"b", b"d", b"f"],
        "headers": [b"site.example", b"ua", b"a=b; c=d", b"e=f"],
        "headers.written": [b"Host", b"User-Agent", b"Cookie", b"Cookie"],
        "auth.type": [b""],
        "auth.user": [b""],
        "body.type": [b""],
    }
    assert {name: list(got.values(name)) for name in got if name != "time"} == expected
    # A repeated name is also seen as servers that join its values read it.
    assert list(got.keys("args")) == [b"x", b"y", b"x", b"x"]
    assert list(got.keys("args.plain")) == [b"x", b"y", b"x"]
    for name in ("headers", "headers.written"):
        assert list(got.keys(name)) == [b"host", b"user-agent", b"cookie", b"cookie"]
    assert list(got.keys("cookies")) == [b"a", b"c", b"e"]


def test_the_time() -> None:
    got = filled(get())
    time = dict(zip(got.keys("time"), got.values("time"), strict=True))
    assert set(time) == {b"time", b"day", b"epoch", b"hour", b"min", b"mon", b"sec", b"wday", b"year"}
    assert time[b"time"] == b":".join(time[part] for part in (b"hour", b"min", b"sec"))
    assert all(value.isdigit() for name, value in time.items() if name != b"time")
    assert 1 <= int(time[b"wday"]) <= 7


def test_what_is_read_one_way_stands_there_once() -> None:
    got = filled(get(b"/?a=1&b=2", b"Cookie: a=b; c=d"))
    assert got.values("args") is got.values("args.plain") is got.values("args.get")
    assert got.values("cookies") is got.values("cookies.plain")
    got = filled(get(b"/", b'Cookie: a="b"'))
    assert (list(got.values("cookies")), list(got.values("cookies.plain"))) == ([b'"b"', b"b"], [b'"b"'])


@pytest.mark.parametrize(
    ("lines", "type_", "user"),
    [
        ((b"Authorization: Basic dXNlcjpwYTpzcw==",), b"Basic", b"user"),
        ((b"authorization: bearer x",), b"bearer", b""),
        ((b"Authorization: basic %%%",), b"basic", b""),
        ((b"Authorization:",), b"", b""),
    ],
)
def test_who_the_client_says_it_is(lines: tuple[bytes, ...], type_: bytes, user: bytes) -> None:
    got = filled(get(b"/", *lines))
    assert (got.first("auth.type"), got.first("auth.user")) == (type_, user)


@pytest.mark.parametrize(
    ("host", "name"),
    [(b"a.example:80", b"a.example"), (b"A.example", b"A.example"), (b"[::1]:80", b"[::1]"), (b"", b"")],
)
def test_hosts(host: bytes, name: bytes) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("target", "path", "basename", "query"),
    [
        (b"/", b"/", b"", b""),
        (b"/a/", b"/a/", b"", b""),
        (b"/a?", b"/a", b"a", b""),
        (b"/a?b/c", b"/a", b"a", b"b/c"),
        (b"/a%3f'b?c?d", b"/a%3f'b", b"a%3f'b", b"c?d"),
    ],
)
def test_paths_are_split_before_they_are_decoded(target: bytes, path: bytes, basename: bytes, query: bytes) -> None:
    got = filled(get(target))
    assert (got.first("path"), got.first("basename"), got.first("query")) == (path, basename, query)


@pytest.mark.parametrize(
    ("target", "path", "basename"),
    [
        (b"/a%2fb", b"/a/b", b"b"),
        (b"/a%5Cb", b"/a\\b", b"b"),
        (b"/a%3fb?c", b"/a?b", b"a?b"),
        (b"/a+b%zz", b"/a+b%zz", b"a+b%zz"),
        (b"/%252e", b"/%2e", b"%2e"),
    ],
)
def test_decoded_paths(target: bytes, path: bytes, basename: bytes) -> None:
    got = filled(get(target))
    assert (got.first("path.decoded"), got.first("basename.decoded")) == (path, basename)


def test_too_many_arguments() -> None:
    with pytest.raises(LimitError, match="arguments"):
        filled(get(b"/?" + b"a&" * 10_001))


HEAD = get(b"/a?b=1&b=2", b'Cookie: a="b"', b"Content-Type: text/xml", b"Authorization: x y")
OF_HEAD = {name for name, spec in FIELDS.items() if name in FILLED and Protocol.HTTP in spec.protocols}


@given(st.sets(st.sampled_from(sorted(OF_HEAD))))
def test_only_what_is_wanted_is_filled(wanted: set[str]) -> None:
    whole, got = filled(HEAD), filled(HEAD, frozenset(wanted))
    assert set(got) == {name for name in whole if name in wanted}
    for name in got:
        if name != "time":
            assert [list(part) for part in got.get(name) or ()] == [list(part) for part in whole.get(name) or ()]


def test_every_field_of_the_first_phase_can_be_filled() -> None:
    assert {name for name in OF_HEAD if FIELDS[name].phase is Phase.HEAD} <= set(filled(HEAD))


@given(st.lists(st.sampled_from([b"a=1", b"a=2", b"b=", b"", b"c=%41"]), max_size=6))
def test_arguments_are_the_plain_ones_and_those_joined(pieces: list[bytes]) -> None:
    got = filled(get(b"/?" + b"&".join(pieces)))
    plain = [list(part) for part in got.get("args.plain") or ((), ())]
    pairs = list(zip(*(got.get("args") or ((), ())), strict=True))
    assert pairs == [*zip(*plain, strict=True), *joined(*plain)]


def test_without_a_body() -> None:
    request = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n", HttpLimits())
    fields = Fields()
    fill_no_body(fields, request, FILLED)
    assert {name: fields.first(name) for name in fields} == {
        "body.length": b"0",
        "body.failed": b"0",
        "inbound.incomplete": b"0",
        "files.size": b"0",
        "request": b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n",
        "request.length": b"33",
    }
    fields = Fields()
    fill_no_body(fields, request, frozenset({"args", "body.length"}))
    assert list(fields) == ["body.length"]


def answer(*lines: tuple[bytes, bytes]) -> ResponseHead:
    names = [name.lower() for name, _ in lines]
    first = {name.lower(): value for name, value in lines}
    return ResponseHead(404, b"No", b"HTTP/1.1", list(lines), names, None, False, True, frozenset(), first)


def test_an_answer() -> None:
    fields = Fields()
    fill_reply_head(fields, answer((b"Server", b"x"), (b"Content-Type", b"Text/HTML; charset=x")), FILLED)
    fill_reply_body(fields, b"abc", False, FILLED)
    assert {name: [list(part) for part in fields.get(name) or ()] for name in fields} == {
        "status": [[], [b"404"]],
        "reply.headers": [[b"server", b"content-type"], [b"x", b"Text/HTML; charset=x"]],
        "reply.headers.written": [[b"server", b"content-type"], [b"Server", b"Content-Type"]],
        "reply.line": [[], [b"HTTP/1.1 404 No"]],
        "reply.version": [[], [b"HTTP/1.1"]],
        "reply.type": [[], [b"Text/HTML"]],
        "reply.body": [[], [b"abc"]],
        "reply.length": [[], [b"3"]],
        "outbound.incomplete": [[], [b"1"]],
    }


def test_of_an_answer_too_only_what_is_wanted() -> None:
    fields = Fields()
    fill_reply_head(fields, answer(), frozenset({"reply.type"}))
    fill_reply_body(fields, b"", True, frozenset({"outbound.incomplete"}))
    assert {name: fields.first(name) for name in fields} == {"reply.type": b"", "outbound.incomplete": b"0"}
