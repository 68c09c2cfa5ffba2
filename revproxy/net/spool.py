"""Where one body or message is held until it is judged: memory first, then an unlinked temporary file.

Invariants:
- everything held is counted in one of the two budgets until it is given up, and `close` gives back all of it;
- the loop never touches the disk: pieces of at most PIECE bytes are written and read in a thread;
- the file has no name, so nothing is left behind whatever becomes of the process;
- a full disk is a limit like the others: LimitError("spool_bytes").
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from io import FileIO
from typing import Final, ParamSpec, TypeVar, cast

from revproxy.errors import LimitError
from revproxy.net.caps import Budget

PIECE: Final = 256 * 1024
"""Bytes that go to or come from the disk in one call."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Spool:
    """Written once, then read any number of times. Used by one task at a time; `close` may be called at any time."""

    __slots__ = (
        "_closed",
        "_file",
        "_flight",
        "_folder",
        "_held",
        "_memory",
        "_memory_bytes",
        "_parts",
        "_spool",
        "size",
    )

    def __init__(self, folder: str, spool: Budget, memory_bytes: int, memory: Budget) -> None:
        """Up to `memory_bytes` stay in memory while `memory` has room; an empty `folder` means memory only."""
        self._folder = folder
        self._spool = spool
        self._memory_bytes = memory_bytes
        self._memory = memory
        self._parts: list[bytes] = []
        self._held = 0
        """Bytes of `_parts`, all counted in the memory budget."""
        self._file: FileIO | None = None
        self._flight: asyncio.Future[object] | None = None
        self._closed = False
        self.size = 0

    @property
    def on_disk(self) -> bool:
        """Whether it has outgrown memory."""
        return self._file is not None

    def write_now(self, data: bytes) -> bool:
        """Keep `data` in memory if there is room for it. False: nothing was done, `await write(data)`."""
        size = len(data)
        if self._file is not None or self.size + size > self._memory_bytes or not self._memory.take(size):
            return False
        self._parts.append(data)
        self._held += size
        self.size += size
        return True

    async def write(self, data: bytes) -> None:
        """Append. Raises LimitError("spool_bytes") over the budget or on a full disk, LimitError("memory_bytes")
        without a folder; close it then."""
        if self.write_now(data):
            return
        if self._file is None:
            await self._move_to_disk()
        size = len(data)
        self._spool.demand(size)
        self.size += size
        if self._held + size <= PIECE and self._memory.take(size):
            self._parts.append(data)
            self._held += size
            return
        await self._flush(data)

    def data(self) -> bytes | None:
        """All of it when it is in memory, else None."""
        if self._file is not None:
            return None
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]

    async def pieces(self, most: int = PIECE) -> AsyncIterator[bytes]:
        """From the beginning, pieces of at most `most` bytes, none empty."""
        data = self.data()
        if data is not None:
            for at in range(0, len(data), most):
                yield data[at : at + most]
            return
        await self._flush(b"")
        at = 0
        while at < self.size:
            piece = await self._in_thread(_read, self._opened(), at, min(most, self.size - at))
            yield piece
            at += len(piece)

    def close(self) -> None:
        """Forget all of it and give the budgets back; again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._memory.give(self._held)
        self._held = 0
        self._parts = []
        file = self._file
        if file is None:
            return
        self._spool.give(self.size)
        flight = self._flight
        if flight is not None and not flight.done():
            # A thread is still writing: the descriptor must stay its own until it is through.
            flight.add_done_callback(lambda _: file.close())
        else:
            file.close()

    async def _move_to_disk(self) -> None:
        """Open the file; what is in memory is counted for it from now on and is flushed with the next write."""
        if not self._folder:
            raise LimitError(self._memory.name, self._memory.most)
        self._spool.demand(self.size)
        try:
            self._file = await self._in_thread(_open, self._folder)
        except BaseException:
            self._spool.give(self.size)
            raise

    async def _flush(self, data: bytes) -> None:
        """Write what is held back, and `data` after it."""
        parts, held = self._parts, self._held
        if not held and not data:
            return
        file = self._opened()
        self._parts, self._held = [], 0
        try:
            # Not one large write: joining would double what is held, and a thread must come back soon.
            for at in range(0, len(parts), 64):
                await self._in_thread(_write, file, b"".join(parts[at : at + 64]))
            if data:
                await self._in_thread(_write, file, data)
        finally:
            self._memory.give(held)

    def _opened(self) -> FileIO:
        if self._file is None or self._closed:
            raise ValueError("spool is closed")
        return self._file

    async def _in_thread(self, call: Callable[_P, _T], *args: _P.args, **_: _P.kwargs) -> _T:
        """Run it in the loop's threads. The call goes on when the caller is cancelled; `close` knows of it."""
        flight = asyncio.get_running_loop().run_in_executor(None, call, *args)
        self._flight = cast("asyncio.Future[object]", flight)
        try:
            return await asyncio.shield(flight)
        except OSError as error:
            raise LimitError(self._spool.name, self._spool.most) from error


def _open(folder: str) -> FileIO:
    """A file without a name (O_TMPFILE where the file system has it)."""
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def _write(file: FileIO, data: bytes) -> None:
    """All of it, in writes of at most PIECE."""
    view = memoryview(data)
    while view:
        view = view[os.write(file.fileno(), view[:PIECE]) :]


def _read(file: FileIO, at: int, size: int) -> bytes:
    data = os.pread(file.fileno(), size, at)
    if not data:
        raise OSError("spool file is shorter than what was written")
    return data
