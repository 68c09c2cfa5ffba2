"""The Connection field: options that hold for this hop only (RFC 9110 7.6.1)."""

from __future__ import annotations

from typing import Final

from revproxy.errors import HttpError
from revproxy.protocols.http1.fields import END_TO_END, TOKEN, FieldLine

KEEP_ALIVE_ONLY: Final[dict[bytes, frozenset[bytes]]] = {
    b"keep-alive": frozenset((b"keep-alive",)),
    b"Keep-Alive": frozenset((b"keep-alive",)),
}
"""What nearly every Connection field says, ready made: asked only where the field stands once."""

_OPTIONS_MOST: Final = 32


def connection_options(lines: list[FieldLine], status: int) -> frozenset[bytes]:
    """All options of all Connection fields, lower case; empty list members are allowed (RFC 9110 5.6.1).

    Raises HttpError(status): no token, more than 32, or the name of a field that is no hop's business.
    """
    values = [line.value for line in lines if line.lower == b"connection"]
    members = [member.strip(b" \t") for member in b",".join(values).lower().split(b",")]
    options = frozenset(filter(None, members))
    if len(members) > _OPTIONS_MOST or b"".join(options).translate(None, TOKEN):
        raise HttpError(status, "connection-option")
    if not END_TO_END.isdisjoint(options):
        raise HttpError(status, "connection-names-field")
    return options
