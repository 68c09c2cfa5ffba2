"""What a request and its answer fill in."""

from __future__ import annotations

import pytest
from harness import get

from revproxy.errors import LimitError
from revproxy.model import ContentLimits, Fields, HttpLimits
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http.fields import Collector, fill_head, fill_reply_head


def filled(raw: bytes) -> Fields:
    fields = Fields()
    fill_head(fields, parse_request(raw, HttpLimits()), "192.0.2.1", ContentLimits())
    return fields


def test_a_head() -> None:
    got = filled(get(b"/a/b.php?x=1&y=%32&x=+3", b"User-Agent: ua", b"Cookie: a=b; c=d", b"Cookie: e=f"))
    expected = {
        "client": [b"192.0.2.1"],
        "method": [b"GET"],
        "version": [b"HTTP/1.1"],
        "line": [b"GET /a/b.php?x=1&y=%32&x=+3 HTTP/1.1"],
        "target": [b"/a/b.php?x=1&y=%32&x=+3"],
        "uri": [b"/a/b.php?x=1&y=%32&x=+3"],
        "path": [b"/a/b.php"],
        "basename": [b"b.php"],
        "query": [b"x=1&y=%32&x=+3"],
        "args.get": [b"1", b"2", b" 3", b"1, 3"],
        "args": [b"1", b"2", b" 3", b"1, 3"],
        "cookies": [b"b", b"d", b"f"],
        "headers": [b"site.example", b"ua", b"a=b; c=d", b"e=f"],
    }
    assert {name: list(got.values(name)) for name in got} == expected
    # A repeated name is also seen as servers that join its values read it.
    assert list(got.keys("args")) == [b"x", b"y", b"x", b"x"]
    assert list(got.keys("headers")) == [b"host", b"user-agent", b"cookie", b"cookie"]
    assert list(got.keys("cookies")) == [b"a", b"c", b"e"]


@pytest.mark.parametrize(
    ("target", "path", "basename", "query"),
    [
        (b"/", b"/", b"", None),
        (b"/a/", b"/a/", b"", None),
        (b"/a?", b"/a", b"a", None),
        (b"/a?b/c", b"/a", b"a", b"b/c"),
        (b"/a%3f'b?c?d", b"/a%3f'b", b"a%3f'b", b"c?d"),
    ],
)
def test_paths_are_split_before_they_are_decoded(
    target: bytes, path: bytes, basename: bytes, query: bytes | None
) -> None:
    got = filled(get(target))
    assert (got.first("path"), got.first("basename")) == (path, basename)
    assert (got.first("query") if "query" in got else None) == query


def test_too_many_arguments() -> None:
    with pytest.raises(LimitError, match="arguments"):
        filled(get(b"/?" + b"a&" * 10_001))


def test_an_answer() -> None:
    fields = Fields()
    fill_reply_head(fields, 404, [(b"Server", b"x"), (b"A", b"b")], [b"server", b"a"])
    assert fields.first("status") == b"404"
    assert (list(fields.keys("reply.headers")), list(fields.values("reply.headers"))) == (
        [b"server", b"a"],
        [b"x", b"b"],
    )


def test_a_collector() -> None:
    sink, fields = Collector(), Fields()
    fields.put("args", [b"1"], [b"q"])
    sink.argument(b"a", b"b")
    sink.xml_text(b"text")
    sink.xml_attribute(b"attribute")
    sink.part_header(b"f", b"Content-Type: x")
    sink.file(b"f", b"name.txt", b"text/plain")
    sink.window(b"", b"raw")
    sink.window(b"name.txt", b"content")
    sink.fill(fields)
    assert fields.get("args") == ([b"q", b"a"], [b"1", b"b"])
    assert fields.get("args.post") == ([b"a"], [b"b"])
    assert fields.get("files") == ([b"f"], [b"name.txt"])
    assert fields.get("files.types") == ([b"name.txt"], [b"text/plain"])
    assert fields.get("parts.headers") == ([b"f"], [b"Content-Type: x"])
    assert (fields.first("xml"), fields.first("xml.attributes")) == (b"text", b"attribute")
    assert sink.windows == [(None, b"raw"), (b"name.txt", b"content")]


def test_an_empty_collector_fills_nothing() -> None:
    fields = Fields()
    Collector().fill(fields)
    assert list(fields) == []


def test_what_is_fresh_is_told_once() -> None:
    collector = Collector()
    assert collector.fresh() is None
    collector.argument(b"a", b"1")
    collector.file(b"f", b"n", b"t")
    for wanted in ([b"1"], [b"2"]):
        fields = Fields()
        fresh = collector.fresh()
        assert fresh is not None
        fresh.fill(fields)
        assert fields.values("args") == wanted
        assert ("files" in fields) is (wanted == [b"1"])
        collector.argument(b"a", b"2")
    whole = Fields()
    collector.fill(whole)
    assert whole.values("args") == [b"1", b"2", b"2"]
