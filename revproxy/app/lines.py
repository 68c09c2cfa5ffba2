"""Lines of logs and recorded traffic, from files, compressed ones and standard input, none longer than a limit.

What cannot be read is a ConfigError at its place. What a line means is for who reads it.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from revproxy.errors import ConfigError, Location

STDIN = Path("-")
_PIECE = 64 * 1024


class _Lines(Protocol):
    def readline(self, size: int = -1, /) -> bytes: ...


def lines_of(path: Path, most: int) -> Iterator[tuple[Location, bytes | None]]:
    """Each line that is not blank, with its place; None for one of more than `most` bytes, which is passed over.

    `.gz` is decompressed, `-` is standard input. Raises ConfigError, with the line that was reached, for what cannot
    be read; a truncated archive gives its whole lines before that.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(most + 1):
                number += 1
                long = len(line) > most and not line.endswith(b"\n")
                if long:
                    _pass_over(file)
                if long or line.strip():
                    yield Location(str(path), number), None if long else line
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"cannot be read any further: {error}", Location(str(path), number)) from None


@contextmanager
def _opened(path: Path) -> Iterator[_Lines]:
    if path == STDIN:
        yield sys.stdin.buffer
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as packed:
            yield packed
    else:
        with path.open("rb") as file:
            yield file


def _pass_over(file: _Lines) -> None:
    """To the end of the line."""
    while (piece := file.readline(_PIECE)) and not piece.endswith(b"\n"):
        pass
