"""Heads that passed the gate (`head`), as it hands them on: their parts, and what is asked of them.

Invariant: a head is never changed, since one that comes again, byte for byte, is the same object. How heads are read,
and what is refused, does not belong here.
"""

from __future__ import annotations

from typing import Final

from revproxy.protocols.http1.codings import transfer_codings
from revproxy.protocols.http1.fields import FieldLine

_CHUNKED: Final = b"chunked"

# Plain classes: of a dataclass the compiler leaves making an object to the interpreter.


class RequestHead:
    """A request's head. `lines` are its fields, `names` the lower case of theirs, in the same order."""

    __slots__ = (
        "chunked",
        "connection",
        "content_length",
        "expect",
        "first",
        "host",
        "keep_alive",
        "lines",
        "method",
        "names",
        "target",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        method: bytes,
        target: bytes,
        version: bytes,
        lines: list[FieldLine],
        names: list[bytes],
        host: bytes,
        content_length: int | None,
        chunked: bool,
        expect: bool,
        keep_alive: bool,
        upgrade: bool,
        connection: frozenset[bytes],
        first: dict[bytes, bytes],
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.lines = lines
        self.names = names
        self.host = host
        """As sent, in lower case, with the port if it had one; empty only in HTTP/1.0."""
        self.content_length = content_length
        self.chunked = chunked
        self.expect = expect
        """Waits for 100 Continue before it sends its body."""
        self.keep_alive = keep_alive
        self.upgrade = upgrade
        """Has an Upgrade field, whatever it says."""
        self.connection = connection
        """Options named in Connection, lower case: fields of these names end here."""
        self.first = first
        """The first value of each name; of Transfer-Encoding all of them, as one list."""

    def get(self, name: bytes) -> bytes | None:
        """The first value of a field; `name` in lower case."""
        return self.first.get(name)

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Names as written, and values without SP and HTAB around them."""
        return [(line.name, line.value) for line in self.lines]

    @property
    def codings(self) -> str:
        """What was done to the body before it was chunked, as `CodedReader` takes it; nearly always nothing."""
        value = self.first.get(b"transfer-encoding", _CHUNKED)
        return "" if value.lower() == _CHUNKED else transfer_codings(value)


class ResponseHead:
    """A response's head; see RequestHead."""

    __slots__ = (
        "chunked",
        "connection",
        "content_length",
        "fields",
        "first",
        "keep_alive",
        "names",
        "reason",
        "status",
        "version",
    )

    def __init__(
        self,
        status: int,
        reason: bytes,
        version: bytes,
        fields: list[tuple[bytes, bytes]],
        names: list[bytes],
        content_length: int | None,
        chunked: bool,
        keep_alive: bool,
        connection: frozenset[bytes],
        first: dict[bytes, bytes],
    ) -> None:
        self.status = status
        self.reason = reason
        self.version = version
        self.fields = fields
        """Names as written, and values without SP and HTAB around them."""
        self.names = names
        self.content_length = content_length
        self.chunked = chunked
        self.keep_alive = keep_alive
        self.connection = connection
        self.first = first

    def get(self, name: bytes) -> bytes | None:
        """The first value of a field; `name` in lower case."""
        return self.first.get(name)
