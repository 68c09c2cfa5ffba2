"""The table of system calls agrees with the kernel's own headers."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from revproxy.runtime.sandbox.kernel import machine, prctl, syscall

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
_ALIAS = re.compile(r"^#define __NR_(\w+) __NR3264_(\w+)$", re.MULTILINE)
_NUMBER = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


@pytest.mark.parametrize("name", HEADERS)
def test_the_numbers_are_the_kernels(name: str) -> None:
    if not HEADERS[name].exists():
        pytest.skip("needs the kernel's headers (linux-libc-dev)")
    text = HEADERS[name].read_text()
    theirs = {call: int(number) for call, number in _NUMBER.findall(text)}
    theirs |= {call: theirs[other] for call, other in _ALIAS.findall(text) if other in theirs}
    found = machine(name)
    assert found is not None
    assert found.numbers == {call: theirs[call] for call in found.numbers}


def test_a_processor_that_is_not_in_the_table() -> None:
    assert machine("riscv64") is None


def test_a_call() -> None:
    this = machine()
    if this is None:
        pytest.skip("needs x86_64 or aarch64")
    assert syscall(this.numbers["getpid"]) == os.getpid()
    with pytest.raises(OSError) as raised:
        syscall(this.numbers["close"], -1)
    assert raised.value.errno == errno.EBADF


def test_prctl() -> None:
    assert prctl(3) in (0, 1), "PR_GET_DUMPABLE"
    with pytest.raises(OSError):
        prctl(0x7FFFFFFF)
