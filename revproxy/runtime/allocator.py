"""Telling the C library to give memory back: what a set of rules held goes to the system when the set goes.

glibc raises the size from which it maps a block by itself with every such block that is freed; databases then end up
between smaller things that stay. And each thread may get a heap of its own, which nobody empties. Other C libraries
do neither.
"""

from __future__ import annotations

import ctypes

_SETTINGS = {-8: 2, -3: 256 * 1024, -1: 256 * 1024}
"""mallopt(3): M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD."""


def settle() -> bool:
    """For this process, from now on; whether the library knows how to."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = [mallopt(ctypes.c_int(what), ctypes.c_int(value)) for what, value in _SETTINGS.items()]
    return all(taken)
