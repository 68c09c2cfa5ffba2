"""Spool: what was written is read, budgets come back to zero, a full disk is a limit."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from revproxy.errors import LimitError
from revproxy.net import spool as module
from revproxy.net.caps import Budget
from revproxy.net.spool import Spool

MIB = 1024 * 1024


def budgets(memory: int = 64 * MIB, disk: int = 64 * MIB) -> tuple[Budget, Budget]:
    return Budget("spool_bytes", disk), Budget("memory_bytes", memory)


async def read(spool: Spool, most: int = 256 * 1024) -> bytes:
    pieces = [piece async for piece in spool.pieces(most)]
    assert all(0 < len(piece) <= most for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("sizes", [[], [10, 20], [600_000], [100] * 7000, [300_000, 1, 300_000, 5 * MIB, 7]])
async def test_what_was_written_is_read_again_and_again(tmp_path: Path, sizes: list[int]) -> None:
    disk, memory = budgets()
    spool = Spool(str(tmp_path), disk, 512 * 1024, memory)
    body = b""
    for number, size in enumerate(sizes):
        piece = bytes([number % 251]) * size
        await spool.write(piece)
        body += piece
    assert spool.size == len(body)
    assert spool.on_disk == (len(body) > 512 * 1024)
    assert spool.data() == (None if spool.on_disk else body)
    for most in (256 * 1024, 100_001):
        assert await read(spool, most) == body
    assert os.listdir(tmp_path) == []
    assert memory.used <= 512 * 1024
    spool.close()
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


async def test_a_scarce_memory_sends_it_to_disk_early(tmp_path: Path) -> None:
    disk, memory = budgets(memory=1000)
    spool = Spool(str(tmp_path), disk, 512 * 1024, memory)
    for _ in range(10):
        await spool.write(b"x" * 300)
    assert spool.on_disk
    assert memory.used <= 1000
    assert await read(spool) == b"x" * 3000
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


async def test_the_spool_budget_is_kept(tmp_path: Path) -> None:
    disk, memory = budgets(disk=1000)
    spool = Spool(str(tmp_path), disk, 100, memory)
    await spool.write(b"x" * 900)
    with pytest.raises(LimitError) as caught:
        await spool.write(b"x" * 101)
    assert caught.value.limit == "spool_bytes"
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


async def test_without_a_folder_memory_is_the_limit() -> None:
    disk, memory = budgets()
    spool = Spool("", disk, 100, memory)
    await spool.write(b"x" * 100)
    with pytest.raises(LimitError) as caught:
        await spool.write(b"x")
    assert caught.value.limit == "memory_bytes"
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_full_disk_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module.os, "write", full)
    disk, memory = budgets()
    spool = Spool(str(tmp_path), disk, 100, memory)
    with pytest.raises(LimitError):
        await spool.write(b"x" * MIB)
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


async def test_a_missing_folder_is_a_limit_too() -> None:
    disk, memory = budgets()
    spool = Spool("/nonexistent/spool", disk, 100, memory)
    with pytest.raises(LimitError):
        await spool.write(b"x" * 101)
    spool.close()
    assert (disk.used, memory.used) == (0, 0)


async def test_closing_while_a_thread_writes_leaves_the_descriptor_alone(tmp_path: Path) -> None:
    disk, memory = budgets()
    spool = Spool(str(tmp_path), disk, 100, memory)
    await spool.write(b"x" * 200)
    writing = asyncio.create_task(spool.write(b"y" * 20 * MIB))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    spool.close()
    assert (disk.used, memory.used) == (0, 0)
    await asyncio.get_running_loop().run_in_executor(None, os.listdir, tmp_path)
