"""What an exchange works with, whichever HTTP version carries it.

HTTP/1 (`connection.py`) is a driver of this surface; HTTP/2 will be another. Nothing here knows framing bytes,
connections or streams: an exchange sees a head, a body that can be read once, and a place to answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from revproxy.protocols.http1 import RequestHead

Line = tuple[bytes, bytes]
"""One header field: name as written, value without outer white space."""


Request = RequestHead
"""A request head that passed the gate, however it came."""


class Pieces(Protocol):
    """What is read once, piece by piece."""

    async def read(self) -> bytes:
        """The next piece, nothing at the end.

        Raises HttpError (framing, transfer codings), PeerClosed, PeerTimeout. The first call invites a client that
        waits with `Expect: 100-continue`.
        """


class Body(Pieces, Protocol):
    """A request body, read once. `length` is the declared length, None when it is only known at its end."""

    @property
    def length(self) -> int | None: ...

    @property
    def came(self) -> int:
        """Bytes of a counted body that are there and not yet read."""

    def whole(self, most: int) -> bytes | None:
        """All of it where it is there already and no more than `most` bytes; else None, and nothing was read."""

    async def arrive(self) -> None:
        """Wait, reading nothing, until all of a counted body is there, which must be short. Raises as `read`."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. `peer` is the address at the other end of the connection; `address` is the client's, which differs
    from it only where the peer is a declared proxy (`trusted`) that named another in X-Forwarded-For."""

    address: str
    peer: str
    scheme: bytes
    listener: str
    trusted: bool = False
    port: int = 0
    """Of the peer."""
    local: tuple[str, int] = ("", 0)
    """The address and port that it connected to."""


class Reply(Protocol):
    """Where the answer goes. Exactly one of `whole`, or `begin` - `piece`... - `end`.

    Each takes its bytes at once, and gives back what to wait for before anything else is done where the client is
    slow. Raises PeerClosed; waiting, PeerTimeout too.
    """

    @property
    def sent(self) -> int:
        """Bytes of this answer given to the connection so far."""

    def whole(self, status: int, reason: bytes, fields: Sequence[Line], body: bytes) -> Awaitable[None] | None:
        """A complete answer; for HEAD and 304 `body` is empty and a Content-Length in `fields` is kept."""

    def begin(self, status: int, reason: bytes, fields: Sequence[Line], length: int | None) -> Awaitable[None] | None:
        """The head of an answer whose body follows; `length` None when it is not known."""

    def piece(self, data: bytes) -> Awaitable[None] | None:
        """Some of the body."""

    def end(self) -> Awaitable[None] | None:
        """The body is complete."""

    def abort(self) -> None:
        """The body will not be completed: the client must notice."""


class Carrier(Protocol):
    """One request and the place for its answer, as a driver hands them over."""

    @property
    def client(self) -> Client: ...

    @property
    def request(self) -> Request: ...

    @property
    def body(self) -> Body | None: ...

    @property
    def reply(self) -> Reply: ...

    @property
    def head_bytes(self) -> int:
        """Size of the request head on the wire."""
