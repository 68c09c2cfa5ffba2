"""The protocols of sinks and readers: what the readers are and the recorder of these tests is one."""

from __future__ import annotations

import inspect

import pytest

from revproxy.content.guess import GuessingReader
from revproxy.content.jsontext import JsonLinesReader, JsonReader
from revproxy.content.multipart import MultipartReader
from revproxy.content.sink import Aside, BodyReader, Sink
from revproxy.content.urlencoded import UrlencodedReader
from revproxy.content.xmltext import XmlReader

READERS = [GuessingReader, JsonLinesReader, JsonReader, MultipartReader, UrlencodedReader, XmlReader]


def methods(kind: type) -> set[str]:
    return {n for n, _ in inspect.getmembers(kind, inspect.isfunction) if not n.startswith("_")}


@pytest.mark.parametrize("reader", READERS)
def test_readers_have_the_methods(reader: type) -> None:
    assert methods(BodyReader) <= methods(reader)


def test_the_recorder_is_a_sink(recorder: type) -> None:
    assert methods(Sink) <= methods(recorder)
    assert methods(Sink) <= {name for name in dir(Aside(recorder())) if not name.startswith("_")}


def test_what_is_read_aside_is_derived(recorder: type) -> None:
    sink = recorder()
    aside = Aside(sink)
    assert aside.derives
    aside.argument(b"a", b"1")
    aside.derived(b"b", b"2")
    aside.xml_text(b"t")
    aside.xml_attribute(b"x")
    aside.xml_namespace(b"n")
    aside.xml_whole(b"t")
    aside.part(b"f", None)
    aside.part_header(b"f", b"l")
    aside.file(b"f", b"n", b"")
    aside.file_size(b"f", 1)
    aside.window(b"", b"w")
    aside.flaw("charset")
    assert sink.told == [
        ("derived", b"a", b"1"),
        ("derived", b"b", b"2"),
        ("xml_text", b"t"),
        ("xml_namespace", b"x"),
        ("xml_namespace", b"n"),
    ]
