"""Threads for what would hold the loop: they give way to it.

A thread that inspects something large and the loop's own have the same right to a processor. Where there is one for
both, every request beside would wait for it as if it stood in front of them, and those that come meanwhile for each
other: the kernel is told whose turn comes first. What is done in such a thread belongs to who asks for one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

NICE = 8
"""Steps by which such a thread is nicer than the loop: beside it, it gets a seventh of a processor. One that is much
nicer could be kept from its turn by other processes while it holds the interpreter."""


def aside(threads: int, name: str) -> ThreadPoolExecutor:
    """So many threads, begun when there is work for them."""
    return ThreadPoolExecutor(threads, name, initializer=_give_way)


def _give_way() -> None:
    # Linux does it for the thread alone. Where it is not to be had the work is done all the same.
    with suppress(OSError):
        os.nice(NICE)
