"""The messages between a worker and the broker: one datagram each of a SEQPACKET socket, of fixed size.

A request names a target by its number in the configuration, never by an address. The descriptor of an answer travels
beside it (SCM_RIGHTS). What is not exactly such a message is a WireError; nothing is skipped, repaired or guessed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from revproxy.errors import WireError

_REQUEST = struct.Struct("!BQHI")
_ANSWER = struct.Struct("!BQBH")
_ASK, _TELL = 0x51, 0x41
"""The first byte says which of the two it is."""
MOST_MILLISECONDS = 600_000
MOST_BYTES = max(_REQUEST.size, _ANSWER.size)
"""Read one byte more than this: what is longer is then seen to be."""


class Status(IntEnum):
    """What became of a request."""

    CONNECTED = 0
    """The socket is beside the answer."""
    REFUSED = 1
    """The system's error is in `errno`."""
    LATE = 2
    UNRESOLVED = 3
    """No address is known by that name."""
    OUTSIDE = 4
    """The name leads out of the networks that are declared for the target."""
    BUSY = 5
    """This worker has too many requests under way."""
    UNKNOWN = 6
    """There is no such target."""
    ANEW = 7
    """No answer to a request: a broker begins, and knows of none that came before. Its number is 0."""


@dataclass(frozen=True, slots=True)
class Request:
    """A worker's wish. `number` is its own and comes back with the answer; `target` counts from 0."""

    number: int
    target: int
    milliseconds: int
    """How long to try."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's answer."""

    number: int
    status: Status
    errno: int = 0


def write_request(request: Request) -> bytes:
    """As it is sent. Raises struct.error for numbers out of range."""
    return _REQUEST.pack(_ASK, request.number, request.target, request.milliseconds)


def read_request(data: bytes) -> Request:
    """Raises WireError for anything but one whole request."""
    if len(data) != _REQUEST.size:
        raise WireError("egress-size")
    kind, number, target, milliseconds = _REQUEST.unpack(data)
    if kind != _ASK or number == 0 or not 0 < milliseconds <= MOST_MILLISECONDS:
        raise WireError("egress-request")
    return Request(number, target, milliseconds)


def write_answer(answer: Answer) -> bytes:
    """As it is sent. Raises struct.error for numbers out of range."""
    return _ANSWER.pack(_TELL, answer.number, answer.status, answer.errno)


def read_answer(data: bytes) -> Answer:
    """Raises WireError for anything but one whole answer."""
    if len(data) != _ANSWER.size:
        raise WireError("egress-size")
    kind, number, status, errno = _ANSWER.unpack(data)
    if kind != _TELL or status > max(Status) or (status == Status.ANEW) != (number == 0):
        raise WireError("egress-answer")
    return Answer(number, Status(status), errno)
