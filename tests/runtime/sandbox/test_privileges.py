"""Whom a process becomes, and that it keeps nothing."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Any

import pytest

from revproxy.runtime.sandbox.kernel import machine

Locked = Callable[..., Any]


@pytest.mark.skipif(machine() is None, reason="needs x86_64 or aarch64")
def test_nothing_is_kept(locked: Locked) -> None:
    root = os.getuid() == 0
    code = f"""
from revproxy.runtime.sandbox import kernel, privileges
privileges.drop(kernel.machine(), find_user("nobody") if {root} else None)
say([
    os.getresuid(), os.getgroups() if {root} else [], privileges.capabilities(), kernel.prctl(3), kernel.prctl(39),
    tries(lambda: os.setuid(0)), tries(lambda: os.chroot("/")),
])
"""
    uid = pwd.getpwnam("nobody").pw_uid if root else os.getuid()
    assert locked(code) == [[uid] * 3, [], 0, 0, 1, "EPERM", "EPERM"]
