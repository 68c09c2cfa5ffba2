"""Starting what links rules of others within bounds, a trial (`app.trial`) or `app.joining`, and waiting for what it
says, whatever becomes of it."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from revproxy.app.order import Order, Tried
from revproxy.config import Settings
from revproxy.errors import SupplyError

TRIAL: Final = (sys.executable, "-P", "-m", "revproxy.app.trial")
"""The process that it ends with follows."""
JOINING: Final = (*TRIAL[:-1], "revproxy.app.joining")
"""Likewise."""
_MOST_SHOWN = 2000


def tried(order: Order, seconds: float) -> Tried:
    """Try a set within so many seconds. Raises SupplyError for a set that is not to come into force."""
    return Tried(**_said(TRIAL, json.dumps(asdict(order)).encode(), order, seconds)["tried"])


def joined(order: Order, settings: Settings, seconds: float) -> None:
    """Have a set linked with all else that these settings name, within so many seconds; it is in their cache then.

    Raises SupplyError.
    """
    _said(JOINING, pickle.dumps((order, settings)), order, seconds)


def _said(command: Sequence[str], told: bytes, order: Order, seconds: float) -> Mapping[str, Any]:
    """Raises SupplyError."""
    # A heap for each thread would take address space that nothing is in.
    environment = os.environ | {"MALLOC_ARENA_MAX": "2"}
    try:
        done = subprocess.run(
            (*command, str(os.getpid())),
            input=told,
            capture_output=True,
            timeout=seconds,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise SupplyError("compile", f"not done within limits.supply.trial_seconds ({seconds:g} s)") from None
    return _result(order, done)


def _result(order: Order, done: subprocess.CompletedProcess[bytes]) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SupplyError("compile", _died(order, done)) from None
    if "reason" in said:
        raise SupplyError(said["step"], said["reason"])
    return said


def _died(order: Order, done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode == -signal.SIGXCPU or done.returncode == -signal.SIGKILL:
        return f"it needs more processor time than limits.supply.trial_cpu_seconds ({order.cpu_seconds} s)"
    said = done.stderr.decode(errors="replace").strip()[-_MOST_SHOWN:]
    if "memory" in said.lower() or "bad_alloc" in said or done.returncode == -signal.SIGSEGV:
        return order.out_of_memory
    return f"the trial ended with {done.returncode}: {said}"
