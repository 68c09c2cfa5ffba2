"""Starting a trial (`app.trial`) and waiting for what it says, whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict

from revproxy.app.order import Order, Tried
from revproxy.errors import SupplyError

TRIAL = (sys.executable, "-P", "-m", "revproxy.app.trial")
"""The process that it ends with follows."""
_MOST_SHOWN = 2000


def tried(order: Order, seconds: float) -> Tried:
    """Try a set within so many seconds. Raises SupplyError for a set that is not to come into force."""
    # A heap for each thread would take address space that nothing is in.
    environment = os.environ | {"MALLOC_ARENA_MAX": "2"}
    try:
        done = subprocess.run(
            (*TRIAL, str(os.getpid())),
            input=json.dumps(asdict(order)),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise SupplyError("compile", f"not done within limits.supply.trial_seconds ({seconds:g} s)") from None
    return _result(order, done)


def _result(order: Order, done: subprocess.CompletedProcess[str]) -> Tried:
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise SupplyError("compile", _died(order, done)) from None
    if "tried" not in told:
        raise SupplyError(told["step"], told["reason"])
    return Tried(**told["tried"])


def _died(order: Order, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == -signal.SIGXCPU or done.returncode == -signal.SIGKILL:
        return f"it needs more processor time than limits.supply.trial_cpu_seconds ({order.cpu_seconds} s)"
    said = done.stderr.strip()[-_MOST_SHOWN:]
    if "memory" in said.lower() or "bad_alloc" in said or done.returncode == -signal.SIGSEGV:
        return order.out_of_memory
    return f"the trial ended with {done.returncode}: {said}"
