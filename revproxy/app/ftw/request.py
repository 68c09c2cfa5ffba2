"""A stage's request as bytes, completed as go-ftw completes it: a test says what it means with that in mind.

Where a test says nothing of it: Content-Type of a form for data, `Connection: close`, Content-Length. Data of a form
that has no escape in it is escaped; a multipart body gets CRLF for LF. Tests rely on each of these.
"""

from __future__ import annotations

import re

from revproxy.app.ftw.model import Input

_FORM = "application/x-www-form-urlencoded"
_REPEAT = re.compile(
    rb"""\{\{-?[ \t]*+(?:"([^"\\{}]*+)"[ \t]*+\|[ \t]*+repeat[ \t]++([0-9]{1,6}+)"""
    rb"""|repeat[ \t]++([0-9]{1,6}+)[ \t]++"([^"\\{}]*+)")[ \t]*+-?\}\}"""
)
"""The one template that tests use: a text, so many times."""
_MOST_BYTES = 64 * 1024 * 1024
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_ESCAPED = [b"+" if byte == 0x20 else bytes([byte]) if byte in _PLAIN else b"%%%02X" % byte for byte in range(256)]


def build(given: Input, cookie: str = "") -> bytes:
    """The request; `cookie` is sent where the test itself sends none. Raises ValueError for data without measure."""
    if given.whole is not None:
        return given.whole
    headers = list(given.headers)
    if cookie:
        _default(headers, "Cookie", cookie)
    data = _expanded(given.data)
    if data and given.autocomplete:
        _default(headers, "Content-Type", _FORM)
        if _FORM in _values(headers, "content-type"):
            data = _form(data)
    if any("multipart/form-data;" in value for value in _values(headers, "content-type")):
        data = data.replace(b"\n", b"\r\n")
    if given.autocomplete:
        _complete(headers, given.method, len(data))
    first = f"{given.method} {given.uri} {given.version}\r\n"
    head = first + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    return head.encode("utf-8", "surrogatepass") + data


def _complete(headers: list[tuple[str, str]], method: str, length: int) -> None:
    _default(headers, "Connection", "close")
    # As go-ftw has it: its pattern is not anchored on all sides.
    takes_body = method.startswith("POST") or "PUT" in method or "PATCH" in method or method.endswith("DELETE")
    if length or takes_body:
        _default(headers, "Content-Length", str(length))


def _default(headers: list[tuple[str, str]], name: str, value: str) -> None:
    """Add a field unless there is one of that name."""
    if not _values(headers, name.lower()):
        headers.append((name, value))


def _values(headers: list[tuple[str, str]], name: str) -> list[str]:
    """Values in lower case of the fields of that lower-case name."""
    return [value.lower() for key, value in headers if key.lower() == name]


def _form(data: bytes) -> bytes:
    """Names and values escaped, unless something in them is escaped already."""
    if b"%" in data or b"+" in data:
        return data
    pairs = []
    for pair in data.split(b"&"):
        name, equals, value = pair.partition(b"=")
        pairs.append(_escape(name) + equals + _escape(value))
    return b"&".join(pairs)


def _escape(data: bytes) -> bytes:
    return b"".join([_ESCAPED[byte] for byte in data])


def _expanded(data: bytes) -> bytes:
    """Its templates carried out; what is none that we know stays as it is."""
    if b"{{" not in data:
        return data
    size = 0

    def repeated(match: re.Match[bytes]) -> bytes:
        nonlocal size
        word, count = (match[1], match[2]) if match[2] is not None else (match[4], match[3])
        size += len(word) * int(count)
        if size > _MOST_BYTES:
            raise ValueError(f"templates make more than {_MOST_BYTES} bytes")
        return word * int(count)

    return _REPEAT.sub(repeated, data)
