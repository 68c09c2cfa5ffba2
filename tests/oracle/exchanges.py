"""Raw HTTP taken apart as plainly as can be, for a second engine to look at.

Not our gate and not a server: it splits at CRLF, a space and the first colon, undoes chunks where a request says that
it has any, and judges nothing. What our gate refuses does not come here.
"""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]
_FRAMING = (b"content-length", b"transfer-encoding")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what a server answered. `version` is without `HTTP/`."""

    method: bytes
    target: bytes
    version: bytes
    headers: Headers
    body: bytes = b""
    status: int = 200
    answer_headers: Headers = ()
    answer_body: bytes = b""
    client: str = "192.0.2.1"


def exchange(raw: bytes, status: int = 200, answer_headers: Headers = (), answer_body: bytes = b"") -> Exchange:
    """One raw request; its body is all that follows the head, if the head says that there is one."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, _, rest = first.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    headers = tuple(_field(line) for line in lines)
    framing = {name.lower(): value.lower() for name, value in headers if name.lower() in _FRAMING}
    if not framing:
        body = b""
    elif b"chunked" in framing.get(b"transfer-encoding", b""):
        body = _unchunked(body)
    return Exchange(
        method, target, version.removeprefix(b"HTTP/"), headers, body, status, answer_headers, answer_body
    )


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.strip(b" \t")


def _unchunked(data: bytes) -> bytes:
    pieces = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.partition(b";")[0].strip() or b"0", 16)
        if not length:
            break
        pieces.append(data[:length])
        data = data[length + 2 :]
    return b"".join(pieces)
