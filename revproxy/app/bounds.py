"""What a process that links rules of others may take, and how it says what came of it.

Whoever starts one and waits for it is `trying`. Bounds cannot be taken back: nothing here is for a process that goes
on.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from revproxy.app.order import Order
from revproxy.errors import SupplyError
from revproxy.runtime.allocator import settle
from revproxy.runtime.sandbox.kernel import prctl

_SET_DEATH_SIGNAL: Final = 1
_MOST_SAID: Final = 4000
"""Characters of a reason: a line of a set may be as long as its file."""


def bound(memory_bytes: int, cpu_seconds: int) -> None:
    """Take no more address space and processor time than this from now on, and leave no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def tied(parent: int) -> None:
    """End with the process that waits for us. Raises SystemExit where it has gone already."""
    prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def answer(order: Order, work: Callable[[], Mapping[str, Any]]) -> int:
    """Do it within the bounds of the order, and say what it gives, or why not, as a line of JSON; the exit code."""
    settle()
    # Trees without cycles are nearly all that is made here, and this process soon ends.
    gc.disable()
    bound(order.memory_bytes, order.cpu_seconds)
    try:
        _told(work())
    except SupplyError as error:
        _told({"step": error.step, "reason": error.reason[:_MOST_SAID]})
        return 1
    except MemoryError:
        _told({"step": "compile", "reason": order.out_of_memory})
        return 1
    return 0


def _told(result: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
