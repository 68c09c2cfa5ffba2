"""A filter decides as its list says: held against the list itself, by an interpreter of BPF."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.runtime.sandbox.kernel import Machine, machine
from revproxy.runtime.sandbox.program import ALLOW, KILL, Call, Is, Null, Test, build, refuse

Result = Callable[..., int]
WORDS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2, 7, 2**32, 2**32 + 1])
MACHINE = machine("x86_64")
assert MACHINE is not None
NAMES = sorted(MACHINE.numbers)
TESTS = st.builds(Is, st.integers(0, 5), st.sampled_from([0, 1, 2, 7]), st.sampled_from([0xFFFFFFFF, 1, 0xF]))
CASES = st.lists(st.lists(TESTS | st.builds(Null, st.integers(0, 5)), min_size=1, max_size=3).map(tuple), max_size=3)
CALLS = st.lists(
    st.builds(Call, st.sampled_from(NAMES), CASES.map(tuple), st.just(ALLOW) | st.just(refuse(errno.ENOSYS))),
    max_size=8,
    unique_by=lambda call: call.name,
)


def holds(test: Test, arguments: list[int]) -> bool:
    match test:
        case Null(argument):
            return arguments[argument] == 0
        case Is(argument, value, mask):
            return arguments[argument] & 0xFFFFFFFF & mask == value


def expected(calls: list[Call], name: str, arguments: list[int]) -> int:
    for call in calls:
        if call.name == name:
            if not call.cases:
                return call.result
            held = any(all(holds(test, arguments) for test in case) for case in call.cases)
            return call.result if held else call.otherwise
    return refuse(errno.EPERM)


@given(CALLS, st.sampled_from(NAMES), st.lists(WORDS, min_size=6, max_size=6))
@settings(deadline=None)
def test_it_decides_as_its_list_says(result: Result, calls: list[Call], name: str, arguments: list[int]) -> None:
    assert MACHINE is not None
    assert result(MACHINE, build(MACHINE, calls), name, *arguments) == expected(calls, name, arguments)


@pytest.fixture(params=["x86_64", "aarch64"])
def each(request: pytest.FixtureRequest) -> Machine:
    found = machine(request.param)
    assert found is not None
    return found


def test_other_kinds_of_calls_end_the_process(each: Machine, result: Result) -> None:
    program = build(each, [Call("read")])
    other = Machine("i386", 0x40000003, each.numbers)
    assert result(other, program, "read") == KILL
    x32 = Machine(each.name, each.audit, {"read": each.numbers["read"] | 0x40000000})
    assert result(x32, program, "read") == KILL


def test_what_is_newer_than_the_table_is_not_there(each: Machine, result: Result) -> None:
    newer = Machine(each.name, each.audit, {"newer": max(each.numbers.values()) + 1})
    assert result(newer, build(each, []), "newer") == refuse(errno.ENOSYS)


def test_what_is_not_in_the_list_may_be_let_pass(each: Machine, result: Result) -> None:
    program = build(each, [Call("bpf", result=refuse(errno.EPERM))], ALLOW)
    assert result(each, program, "read") == ALLOW
    assert result(each, program, "bpf") == refuse(errno.EPERM)


def test_a_call_that_a_processor_does_not_have_is_left_out(result: Result) -> None:
    arm = machine("aarch64")
    assert arm is not None
    assert "open" not in arm.numbers
    assert build(arm, [Call("open")]) == build(arm, [])
