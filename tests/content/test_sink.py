"""The protocols of sinks and readers: what the readers are and the recorder of these tests is one."""

from __future__ import annotations

import inspect

import pytest

from revproxy.content.guess import GuessingReader
from revproxy.content.jsontext import JsonLinesReader, JsonReader
from revproxy.content.multipart import MultipartReader
from revproxy.content.sink import BodyReader, Sink
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
