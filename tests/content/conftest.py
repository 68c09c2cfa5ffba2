"""A sink that writes down what it is told, and a way to read a body in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from revproxy.content.body import open_body
from revproxy.model import ContentLimits


class Recorder:
    """Everything that a reader told, as tuples in order."""

    derives = True

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def argument(self, name: bytes, value: bytes) -> None:
        self.told.append(("argument", name, value))

    def form(self, names: list[bytes], values: list[bytes]) -> None:
        self.told += [("argument", name, value) for name, value in zip(names, values, strict=True)]

    def derived(self, name: bytes, value: bytes) -> None:
        self.told.append(("derived", name, value))

    def xml_text(self, value: bytes) -> None:
        self.told.append(("xml_text", value))

    def xml_whole(self, value: bytes) -> None:
        self.told.append(("xml_whole", value))

    def xml_attribute(self, value: bytes) -> None:
        self.told.append(("xml_attribute", value))

    def xml_namespace(self, value: bytes) -> None:
        self.told.append(("xml_namespace", value))

    def part(self, field: bytes, filename: bytes | None) -> None:
        self.told.append(("part", field, filename))

    def part_header(self, field: bytes, line: bytes) -> None:
        self.told.append(("part_header", field, line))

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        self.told.append(("file", field, filename, content_type))

    def file_size(self, field: bytes, size: int) -> None:
        self.told.append(("file_size", field, size))

    def flaw(self, reason: str) -> None:
        self.told.append(("flaw", reason))

    def window(self, name: bytes, data: bytes) -> None:
        self.told.append(("window", name, data))

    def of(self, *kinds: str) -> list[tuple[object, ...]]:
        return [t[1:] for t in self.told if t[0] in kinds]

    @property
    def arguments(self) -> list[tuple[object, ...]]:
        return self.of("argument", "derived")


Read = Callable[..., Recorder]


def pieces(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(c % (len(body) + 1) for c in cuts), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


def read_body(
    content_type: bytes, body: bytes, limits: ContentLimits | None = None, cuts: Iterable[int] = ()
) -> Recorder:
    sink = Recorder()
    reader = open_body(content_type, limits or ContentLimits(), sink)
    for piece in pieces(body, cuts):
        reader.feed(piece)
    reader.finish()
    return sink


@pytest.fixture(scope="session")
def read() -> Read:
    return read_body


@pytest.fixture(scope="session")
def recorder() -> type[Recorder]:
    return Recorder
