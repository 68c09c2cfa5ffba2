"""What body readers find becomes fields."""

from __future__ import annotations

from revproxy.content.flaws import FLAWS
from revproxy.detection.rules import FILLED
from revproxy.model import Fields
from revproxy.proxy.http.collector import GATHERED, Collector


def with_all() -> Collector:
    sink = Collector(FILLED)
    sink.argument(b"a", b"b")
    sink.derived(b"d", b"e")
    sink.xml_text(b"text")
    sink.xml_whole(b"whole")
    sink.xml_attribute(b"attribute")
    sink.xml_namespace(b"urn:x")
    sink.part(b"f", b"name.txt.")
    sink.part_header(b"f", b"Content-Type: x")
    sink.file(b"f", b"name.txt", b"text/plain")
    sink.file_size(b"f", 7)
    sink.part(b"a", None)
    sink.part(b"g", b"")
    sink.file(b"g", b"", b"")
    sink.window(b"", b"raw")
    sink.window(b"name.txt", b"content")
    return sink


def test_everything_has_its_field() -> None:
    sink, fields = with_all(), Fields()
    fields.put("args", [b"1", b"1,1"], [b"q", b"q"])
    fields.put("args.plain", [b"1"], [b"q"])
    fields.put("args.size", (b"2",))
    sink.fill(fields)
    assert {name: fields.get(name) for name in fields} == {
        "args": ([b"q", b"q", b"a", b"d"], [b"1", b"1,1", b"b", b"e"]),
        "args.plain": ([b"q", b"a"], [b"1", b"b"]),
        "args.post": ([b"a"], [b"b"]),
        "args.size": ((), (b"4",)),
        "files": ([b"f", b"g"], [b"name.txt", b""]),
        "files.plain": ([b"f"], [b"name.txt."]),
        "files.types": ([b"name.txt", b""], [b"text/plain", b""]),
        "files.sizes": ([b"f"], [b"7"]),
        "files.size": ((), (b"7",)),
        "parts.headers": ([b"f"], [b"Content-Type: x"]),
        "multipart.names": ([b"f", b"a", b"g"], [b"f", b"a", b"g"]),
        "multipart.filenames": ([b"name.txt.", b""], [b"name.txt.", b""]),
        "xml": ((), [b"text"]),
        "xml.text": ((), [b"whole"]),
        "xml.attributes": ((), [b"attribute", b"urn:x"]),
        "xml.attributes.plain": ((), [b"attribute"]),
    }
    assert sink.windows == [(None, b"raw"), (b"name.txt", b"content")]


def test_the_first_flaw_is_the_error() -> None:
    sink = Collector(FILLED)
    assert sink.error == ""
    sink.flaw("charset")
    sink.flaw("boundary")
    assert sink.error == "charset"


def test_nothing_is_filled_that_nobody_wants() -> None:
    for wanted in (frozenset[str](), frozenset({"args.plain", "files.sizes"})):
        sink, fields = Collector(wanted), Fields()
        assert not sink.derives
        sink.argument(b"a", b"b")
        sink.file_size(b"f", 7)
        sink.window(b"", b"raw")
        sink.window(b"name.txt", b"content")
        sink.xml_whole(b"x")
        sink.fill(fields)
        assert set(fields) == wanted
        assert sink.windows == []


def test_windows_are_for_who_looks_at_them() -> None:
    for wanted, windows in (
        ("body", [(None, b"raw")]),
        ("args", [(None, b"raw")]),
        ("files.content", [(b"n", b"content")]),
        ("files", []),
    ):
        sink = Collector(frozenset({wanted}))
        sink.window(b"", b"raw")
        sink.window(b"n", b"content")
        assert sink.windows == windows


def test_an_empty_collector_fills_nothing() -> None:
    fields = Fields()
    Collector(FILLED - {"files.size"}).fill(fields)
    assert list(fields) == []


def test_what_both_ways_of_reading_share_stands_there_once() -> None:
    for query in (None, ([b"q"], [b"1"])):
        sink, fields = Collector(FILLED), Fields()
        if query is not None:
            fields.put("args", query[1], query[0])
            fields.put("args.plain", query[1], query[0])
        sink.argument(b"a", b"b")
        sink.fill(fields)
        assert fields.values("args") is fields.values("args.plain")


def test_what_is_fresh_is_told_once() -> None:
    collector = Collector(FILLED)
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
        assert set(fields) <= set(GATHERED)
        collector.argument(b"a", b"2")
    whole = Fields()
    collector.fill(whole)
    assert whole.values("args") == [b"1", b"2", b"2"]


def test_flaws() -> None:
    fields = Fields()
    Collector(FILLED).fill_flaws(fields, frozenset({"lf_line"}))
    told = dict(zip(fields.keys("multipart.errors"), fields.values("multipart.errors"), strict=True))
    assert told == {name.encode(): b"1" if name == "lf_line" else b"0" for name in FLAWS}
    fields = Fields()
    Collector(frozenset()).fill_flaws(fields, frozenset())
    assert list(fields) == []
