"""Whom a process becomes, and that it keeps nothing."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Any

import pytest

from revproxy.runtime.sandbox import privileges
from revproxy.runtime.sandbox.kernel import machine
from revproxy.runtime.sandbox.privileges import User, find_user

Locked = Callable[..., Any]


def test_by_name_by_number_and_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    found = User("nobody", nobody.pw_uid, nobody.pw_gid)
    assert find_user("nobody") == found
    assert find_user(str(nobody.pw_uid)) == found
    assert find_user("4242424") == User("4242424", 4242424, 4242424)
    monkeypatch.setattr(privileges, "DEFAULT_USERS", ("no such user", "nobody"))
    assert find_user(None) == found
    monkeypatch.setattr(privileges, "DEFAULT_USERS", ("no such user",))
    for name in (None, "no such user"):
        with pytest.raises(KeyError):
            find_user(name)


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
