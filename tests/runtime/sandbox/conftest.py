"""A reader of filters that are not put in force, and a process that locks itself in and tries things."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from revproxy.runtime.sandbox.kernel import Machine

MASK = 0xFFFFFFFF


def decide(program: bytes, audit: int, number: int, arguments: Sequence[int] = ()) -> int:
    """What a filter of the instructions that we use makes of a call (seccomp(2), struct seccomp_data)."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number, audit, 0, *(value & (2**64 - 1) for value in padded))
    code = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x54:
                accumulator &= value
            case 0x15:
                at += yes if accumulator == value else no
            case 0x25:
                at += yes if accumulator > value else no
            case 0x35:
                at += yes if accumulator >= value else no
            case 0x06:
                return int(value)
            case other:
                raise AssertionError(f"no such instruction: {other:#x}")


@pytest.fixture(scope="session")
def result() -> Callable[..., int]:
    """`result(machine, program, "openat", 1, 2)`: what becomes of that call."""

    def run(machine: Machine, program: bytes, name: str, *arguments: int) -> int:
        return decide(program, machine.audit, machine.numbers[name], arguments)

    return run


@pytest.fixture
def locked() -> Callable[..., Any]:
    """`locked(code)`: what a process says that runs `code`; it gets `say(value)` and `tries(call)`, which gives the
    name of the error, or "possible"."""
    preamble = (
        "import errno, json, os, socket, sys\n"
        "from revproxy.config.users import find_user\n"
        "from revproxy.runtime.sandbox import *\n"
        "def say(value): print(json.dumps(value))\n"
        "def tries(call):\n"
        "    try:\n"
        "        call()\n"
        "    except OSError as error:\n"
        "        return errno.errorcode[error.errno]\n"
        "    return 'possible'\n"
    )

    def run(code: str, **options: Any) -> Any:
        argv = [sys.executable, "-P", "-c", preamble + code]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
