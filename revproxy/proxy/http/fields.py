"""Filling the field table from an HTTP request and its answer. What each field holds stands in
`detection.rules.fields`; nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence

from revproxy.content.arguments import parse_query
from revproxy.content.cookies import parse_cookies
from revproxy.model import ContentLimits, Fields
from revproxy.proxy.http.message import Line, Request


def fill_head(fields: Fields, request: Request, client: str, limits: ContentLimits) -> None:
    """The fields of phase HEAD. Raises LimitError for more arguments than allowed."""
    method, target, version = request.method, request.target, request.version
    path, _, query = target.partition(b"?")
    put = fields.put
    put("client", (client.encode("ascii"),))
    put("method", (method,))
    put("version", (version,))
    put("line", (b"%b %b %b" % (method, target, version),))
    put("target", (target,))
    put("uri", (target,))
    put("path", (path,))
    put("basename", (path[path.rfind(b"/") + 1 :],))
    put("headers", [value for _, value in request.fields], request.names)
    if query:
        names, values = parse_query(query, limits)
        put("query", (query,))
        put("args.get", values, names)
        put("args", values, names)
    if b"cookie" in request.names:
        _fill_cookies(fields, request)


def _fill_cookies(fields: Fields, request: Request) -> None:
    """Several Cookie fields are read as one list (RFC 9113 8.2.3)."""
    for name, (_, value) in zip(request.names, request.fields, strict=True):
        if name == b"cookie":
            names, values = parse_cookies(value)
            fields.add("cookies", values, names)


def fill_reply_head(fields: Fields, status: int, lines: Sequence[Line], names: Sequence[bytes]) -> None:
    """The fields of phase REPLY_HEAD."""
    fields.put("status", (b"%d" % status,))
    fields.put("reply.headers", [value for _, value in lines], names)


class Collector:
    """The sink of a body reader: gathers values, and keeps windows of long contents until they are judged."""

    __slots__ = ("_arguments", "_attributes", "_files", "_headers", "_marks", "_texts", "_types", "windows")

    def __init__(self) -> None:
        self._arguments: tuple[list[bytes], list[bytes]] = ([], [])
        self._files: tuple[list[bytes], list[bytes]] = ([], [])
        self._types: tuple[list[bytes], list[bytes]] = ([], [])
        self._headers: tuple[list[bytes], list[bytes]] = ([], [])
        self._marks: tuple[int, ...] = (0, 0, 0, 0)
        self._texts: list[bytes] = []
        self._attributes: list[bytes] = []
        self.windows: list[tuple[bytes | None, bytes]] = []
        """(file name, None for the body itself; content), oldest first; whoever judges them takes them out."""

    def argument(self, name: bytes, value: bytes) -> None:
        self._arguments[0].append(name)
        self._arguments[1].append(value)

    def xml_text(self, value: bytes) -> None:
        self._texts.append(value)

    def xml_attribute(self, value: bytes) -> None:
        self._attributes.append(value)

    def part_header(self, field: bytes, line: bytes) -> None:
        self._headers[0].append(field)
        self._headers[1].append(line)

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        self._files[0].append(field)
        self._files[1].append(filename)
        self._types[0].append(filename)
        self._types[1].append(content_type)

    def window(self, name: bytes, data: bytes) -> None:
        self.windows.append((name or None, data))

    def fresh(self) -> Collector | None:
        """What was gathered since the last call, without windows, for who judges a body before its end."""
        lists = (self._arguments, self._files, self._types, self._headers)
        marks, self._marks = self._marks, tuple(len(values) for _, values in lists)
        if marks == self._marks:
            return None
        fresh = Collector()
        fresh._arguments, fresh._files, fresh._types, fresh._headers = (
            (keys[mark:], values[mark:]) for mark, (keys, values) in zip(marks, lists, strict=True)
        )
        return fresh

    def fill(self, fields: Fields) -> None:
        """Put what was gathered into the fields of phase BODY."""
        for name, (keys, values) in (
            ("args.post", self._arguments),
            ("files", self._files),
            ("files.types", self._types),
            ("parts.headers", self._headers),
        ):
            if values:
                fields.put(name, values, keys)
        if self._arguments[1]:
            fields.add("args", self._arguments[1], self._arguments[0])
        if self._texts:
            fields.put("xml", self._texts)
        if self._attributes:
            fields.put("xml.attributes", self._attributes)
