"""Transfer codings under `chunked` (RFC 9112 7): what a list of them may say, and undoing them, strictly.

A body that was coded goes on decoded: the list belongs to this hop, and no server inside has to agree with us on it.
What is not what its list says is refused; the one thing that needs no decoder is a body without a byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from revproxy.codecs.compression import TRANSFER, Inflater
from revproxy.errors import ContentError, HttpError, LimitError
from revproxy.protocols.http1.fields import TOKEN

_KNOWN: Final = frozenset(name.encode("ascii") for name in TRANSFER.names)
_UNBOUNDED: Final = 1 << 62
"""Whoever reads a body counts it, and stops: pieces are not made before they are asked for."""


def transfer_codings(value: bytes) -> str:
    """What a Transfer-Encoding list says was done before `chunked`, which must stand in it once, as the last.

    Raises HttpError: 400 for what is no list of tokens or does not tell where the body ends (RFC 9112 6.3); 501 for
    more codings than we undo, one that we do not know, and parameters, which none of them has (6.1, 7.1).
    """
    members = [member.strip(b" \t") for member in value.lower().split(b",")]
    names = [member.partition(b";")[0].rstrip(b" \t") for member in members]
    before = names[:-1]
    if not all(names) or b"".join(names).translate(None, TOKEN):
        raise HttpError(400, "transfer-coding")
    if names[-1] != b"chunked" or b"chunked" in before:
        raise HttpError(400, "transfer-coding")
    if members != names or len(before) > TRANSFER.most or not _KNOWN.issuperset(before):
        raise HttpError(501, "transfer-coding")
    return b",".join(before).decode("ascii")


class CodedReader:
    """Undoes the codings of one body."""

    __slots__ = ("_inflater",)

    def __init__(self, codings: str, ratio: int) -> None:
        """`codings` as `transfer_codings` gave them; `ratio` bytes out for each in, see `Inflater`."""
        self._inflater = Inflater(codings, _UNBOUNDED, ratio, TRANSFER)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decode to, some at a time, some of them empty. Raises HttpError(400).

        To be taken to its end before the next call; after an error the reader is of no use.
        """
        try:
            yield from self._inflater.pieces(data)
        except ContentError:
            raise HttpError(400, "transfer-coding-data") from None
        except LimitError as error:
            raise HttpError(400, error.limit) from None

    def finish(self) -> None:
        """The body is complete. Raises HttpError(400) for codings that are not."""
        try:
            self._inflater.finish()
        except ContentError:
            raise HttpError(400, "transfer-coding-data") from None
