"""The sink of body readers: gathers what they find, and puts it into the fields of phase BODY.

Windows of long contents are kept only until whoever judges them takes them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from revproxy.content.flaws import FLAWS
from revproxy.model import Fields
from revproxy.proxy.http.fields import Pairs, size_of

_LISTS: Final = (
    "files",
    "files.plain",
    "files.types",
    "files.sizes",
    "parts.headers",
    "multipart.names",
    "multipart.filenames",
)
GATHERED: Final = ("args", "args.plain", "args.post", "args.size", "files.size", *_LISTS)
"""What is filled from what was gathered so far, on streaming routes again and again."""
_FLAW_KEYS: Final = tuple(name.encode("ascii") for name in FLAWS)


class Collector:
    """A sink (`content.sink.Sink`) for one body."""

    __slots__ = (
        "_arguments",
        "_derived",
        "_lists",
        "_marks",
        "_namespaces",
        "_wanted",
        "_xml",
        "derives",
        "error",
        "windows",
    )

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self.derives = "args" in wanted
        self._arguments: tuple[list[bytes], list[bytes]] = ([], [])
        self._derived: tuple[list[bytes], list[bytes]] = ([], [])
        self._lists: dict[str, tuple[list[bytes], list[bytes]]] = {}
        self._xml: dict[str, list[bytes]] = {"xml": [], "xml.text": [], "xml.attributes.plain": []}
        self._namespaces: list[bytes] = []
        self.error = ""
        """Why others may read the body differently, the first reason of all."""
        self._marks: tuple[int, ...] = (0,) * (2 + len(_LISTS))
        self.windows: list[tuple[bytes | None, bytes]] = []
        """(file name, None for the body itself; content), oldest first; whoever judges them takes them out."""

    def argument(self, name: bytes, value: bytes) -> None:
        self._arguments[0].append(name)
        self._arguments[1].append(value)

    def form(self, names: list[bytes], values: list[bytes]) -> None:
        if self._arguments[1]:
            self._arguments[0].extend(names)
            self._arguments[1].extend(values)
        else:
            self._arguments = (names, values)

    def derived(self, name: bytes, value: bytes) -> None:
        self._derived[0].append(name)
        self._derived[1].append(value)

    def xml_text(self, value: bytes) -> None:
        self._xml["xml"].append(value)

    def xml_whole(self, value: bytes) -> None:
        self._xml["xml.text"].append(value)

    def xml_attribute(self, value: bytes) -> None:
        self._xml["xml.attributes.plain"].append(value)

    def xml_namespace(self, value: bytes) -> None:
        self._namespaces.append(value)

    def part(self, field: bytes, filename: bytes | None) -> None:
        self._add("multipart.names", field, field)
        if filename is not None:
            self._add("multipart.filenames", filename, filename)
        if filename:
            self._add("files.plain", field, filename)

    def part_header(self, field: bytes, line: bytes) -> None:
        self._add("parts.headers", field, line)

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        self._add("files", field, filename)
        self._add("files.types", filename, content_type)

    def file_size(self, field: bytes, size: int) -> None:
        self._add("files.sizes", field, b"%d" % size)

    def flaw(self, reason: str) -> None:
        self.error = self.error or reason

    def window(self, name: bytes, data: bytes) -> None:
        if name:
            if "files.content" in self._wanted:
                self.windows.append((name, data))
        elif "body" in self._wanted or self.derives:
            self.windows.append((None, data))

    def _add(self, name: str, key: bytes, value: bytes) -> None:
        pair = self._lists.get(name)
        if pair is None:
            pair = self._lists[name] = ([], [])
        pair[0].append(key)
        pair[1].append(value)

    def fresh(self) -> Collector | None:
        """What was gathered since the last call, without windows, for who judges a body before its end."""
        gathered = (self._arguments, self._derived, *(self._lists.get(name, ([], [])) for name in _LISTS))
        marks, self._marks = self._marks, tuple(len(values) for _, values in gathered)
        if marks == self._marks:
            return None
        new = [(keys[mark:], values[mark:]) for mark, (keys, values) in zip(marks, gathered, strict=True)]
        fresh = Collector(self._wanted)
        fresh._arguments, fresh._derived = new[0], new[1]
        fresh._lists = dict(zip(_LISTS, new[2:], strict=True))
        return fresh

    def fill(self, fields: Fields) -> None:
        """Put what is wanted of what was gathered into the fields of phase BODY."""
        wanted = self._wanted
        for name, (keys, values) in self._lists.items():
            if values and name in wanted:
                fields.put(name, values, keys)
        if "files.size" in wanted:
            sizes = self._lists.get("files.sizes", ((), ()))[1]
            fields.put("files.size", (b"%d" % sum(map(int, sizes)),))
        for name, texts in self._xml.items():
            if texts and name in wanted:
                fields.put(name, texts)
        attributes = self._xml["xml.attributes.plain"] + self._namespaces
        if attributes and "xml.attributes" in wanted:
            fields.put("xml.attributes", attributes)
        self._fill_arguments(fields)

    def _fill_arguments(self, fields: Fields) -> None:
        wanted, (names, values), (others, more) = self._wanted, self._arguments, self._derived
        if values and "args.post" in wanted:
            fields.put("args.post", values, names)
        query, before = fields.get("args.plain"), fields.get("args")
        plain = _behind(query, names, values)
        if plain[1] and "args.plain" in wanted:
            fields.put("args.plain", plain[1], plain[0])
        if values and "args.size" in wanted:
            size = int(fields.first("args.size") or b"0") + size_of(names, values)
            fields.put("args.size", (b"%d" % size,))
        if (values or more) and "args" in wanted:
            if more:
                names, values = [*names, *others], [*values, *more]
            same = not more and (before is None or (query is not None and before[1] is query[1]))
            whole = plain if same else _behind(before, names, values)
            fields.put("args", whole[1], whole[0])

    def fill_flaws(self, fields: Fields, flaws: frozenset[str]) -> None:
        """What was wrong with a multipart body, and what was not."""
        if "multipart.errors" in self._wanted:
            fields.put("multipart.errors", [b"1" if name in flaws else b"0" for name in FLAWS], _FLAW_KEYS)


def _behind(before: Pairs | None, names: Sequence[bytes], values: Sequence[bytes]) -> Pairs:
    """What stands there already, and more; nothing is copied where one of them is empty."""
    if before is None or not before[1]:
        return names, values
    return ([*before[0], *names], [*before[1], *values]) if values else before
