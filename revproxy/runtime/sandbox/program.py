"""From a list of what is allowed to a seccomp filter: classic BPF over (processor, number, six arguments).

The filter is a list: for each call that is known, conditions of which one must hold; else EPERM. A number that is
newer than all that we know gets ENOSYS, for which C libraries fall back on an older call. A call of another
processor's kind (32 bits, x32) ends the process. BPF sees arguments, not what they point to. Nothing here speaks to
the kernel.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from revproxy.runtime.sandbox.kernel import Machine

ALLOW = 0x7FFF0000
KILL = 0x80000000
_ERRNO = 0x00050000
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x54, 0x06
_NUMBER, _PROCESSOR, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_INSTRUCTION = struct.Struct("=HBBI")
_WORD = 0xFFFFFFFF
MOST = 4096
"""Instructions that the kernel takes."""


def refuse(number: int) -> int:
    """The result that lets a call fail with this errno; 0: it succeeds, and nothing was done."""
    return _ERRNO | number


@dataclass(frozen=True, slots=True)
class Is:
    """Of an argument (from 0), the bits of `mask` in its lower half are `value`. The kernel's ints have no upper."""

    argument: int
    value: int
    mask: int = _WORD


@dataclass(frozen=True, slots=True)
class Null:
    """An argument that is a pointer is none."""

    argument: int


Test = Is | Null


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is not simply refused: by the first of `cases` whose tests all hold, or else by `otherwise`."""

    name: str
    cases: tuple[tuple[Test, ...], ...] = ()
    result: int = ALLOW
    """What becomes of it when a case holds; without cases, always."""
    otherwise: int = refuse(errno.EPERM)


Code = list[tuple[int, int, int, int]]


def build(machine: Machine, calls: Sequence[Call], rest: int = refuse(errno.EPERM)) -> bytes:
    """The filter. `rest` is what becomes of all other calls."""
    code: Code = [(_LOAD, 0, 0, _PROCESSOR), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, KILL)]
    code += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, KILL)]
    for call in calls:
        if (number := machine.numbers.get(call.name)) is not None:
            block = _block(call)
            code += [(_EQUAL, 0, len(block), number), *block]
    code += [(_GREATER, 0, 1, max(machine.numbers.values())), (_RETURN, 0, 0, refuse(errno.ENOSYS))]
    code.append((_RETURN, 0, 0, rest))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def _block(call: Call) -> Code:
    if not call.cases:
        return [(_RETURN, 0, 0, call.result)]
    code: Code = []
    for case in call.cases:
        code += _case([instruction for test in case for instruction in _test(test)], call.result)
    return [*code, (_RETURN, 0, 0, call.otherwise)]


def _case(tests: Code, result: int) -> Code:
    """Tests whose jumps for "no" lead behind the result."""
    last = len(tests)
    placed = [(code, 0, last - at if code == _EQUAL else 0, value) for at, (code, _, _, value) in enumerate(tests)]
    return [*placed, (_RETURN, 0, 0, result)]


def _test(test: Test) -> Code:
    low = _ARGUMENTS + 8 * test.argument
    match test:
        case Null():
            return [(_LOAD, 0, 0, low), (_EQUAL, 0, 0, 0), (_LOAD, 0, 0, low + 4), (_EQUAL, 0, 0, 0)]
        case Is(_, value, mask):
            return [(_LOAD, 0, 0, low), (_AND, 0, 0, mask), (_EQUAL, 0, 0, value)]
