"""What workers and broker may do, on both processors: the lists, not the kernel."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import pytest

from revproxy.runtime.sandbox.allowed import IO_URING, broker_calls, worker_calls
from revproxy.runtime.sandbox.kernel import Machine, machine
from revproxy.runtime.sandbox.program import ALLOW, build, refuse

Result = Callable[..., int]
PID = 4711
NO = refuse(errno.EPERM)
NEVER = [
    "bind",
    "bpf",
    "capset",
    "dup2",
    "dup3",
    "epoll_create1",
    "execve",
    "execveat",
    "getdents64",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "keyctl",
    "kill",
    "landlock_create_ruleset",
    "linkat",
    "memfd_create",
    "mount",
    "open_by_handle_at",
    "perf_event_open",
    "pidfd_getfd",
    "pidfd_open",
    "pkey_mprotect",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "renameat2",
    "seccomp",
    "setns",
    "setuid",
    "symlinkat",
    "tkill",
    "unshare",
    "userfaultfd",
]
"""By nobody."""


@pytest.fixture(params=["x86_64", "aarch64"])
def each(request: pytest.FixtureRequest) -> Machine:
    found = machine(request.param)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NEVER)
def test_what_nobody_may(each: Machine, result: Result, name: str) -> None:
    for calls in (worker_calls(PID), broker_calls(PID, True, True)):
        assert name not in each.numbers or result(each, build(each, calls), name) == NO


@pytest.mark.parametrize("name", ["socket", "connect", "sendmsg", "sendmmsg"])
def test_a_worker_makes_no_socket_and_sends_to_no_address(each: Machine, result: Result, name: str) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, name) == NO
    assert result(each, program, "sendto", 3, 1, 1, 0, 0, 0) == ALLOW
    assert result(each, program, "sendto", 3, 1, 1, 0, 2**32, 16) == NO
    assert result(each, program, "sendto", 3, 1, 1, 0, 1, 16) == NO


def test_listening_does_nothing(each: Machine, result: Result) -> None:
    assert result(each, build(each, worker_calls(PID)), "listen", 3, 4096) == refuse(0)


def test_a_listening_socket_stays_one(each: Machine, result: Result) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, "shutdown", 3, socket.SHUT_WR) == ALLOW
    for how in (socket.SHUT_RD, socket.SHUT_RDWR):
        assert result(each, program, "shutdown", 3, how) == NO


def test_threads_but_no_processes(each: Machine, result: Result) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, "clone", 0x3D0F00) == ALLOW
    assert result(each, program, "clone", 17) == NO
    assert result(each, program, "clone", 0x10000000 | 17) == NO
    assert result(each, program, "clone3", 1, 88) == refuse(errno.ENOSYS)


def test_signals_to_itself_only(each: Machine, result: Result) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, "tgkill", PID, PID, 6) == ALLOW
    assert result(each, program, "tgkill", 1, 1, 9) == NO


@pytest.mark.parametrize("name", ["getpriority", "setpriority"])
def test_a_thread_gives_way_but_makes_no_other_one(each: Machine, result: Result, name: str) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, name, 0, 0, 5) == ALLOW
    for which, who in ((0, PID), (0, 1), (1, 0), (2, 0)):
        assert result(each, program, name, which, who, 5) == NO
    assert result(each, build(each, broker_calls(PID, True, True)), name, 0, 0, 5) == NO


@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_no_memory_becomes_code(each: Machine, result: Result, name: str) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, name, 0, 4096, 3) == ALLOW
    for protection in (4, 5, 7):
        assert result(each, program, name, 0, 4096, protection) == NO


def test_limits_are_read_and_not_set(each: Machine, result: Result) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, "prlimit64", 0, 7, 0, 1) == ALLOW
    assert result(each, program, "prlimit64", 0, 7, 2**40, 0) == NO


def test_of_options_the_plain_ones(each: Machine, result: Result) -> None:
    program = build(each, worker_calls(PID))
    assert result(each, program, "setsockopt", 3, socket.IPPROTO_TCP, socket.TCP_NODELAY) == ALLOW
    assert result(each, program, "setsockopt", 3, socket.SOL_SOCKET, 26) == NO, "SO_ATTACH_FILTER"
    assert result(each, program, "setsockopt", 3, socket.IPPROTO_TCP, 31) == NO, "TCP_ULP"


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "allowed"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, 0, True),
        (socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 6, True),
        (socket.AF_INET, socket.SOCK_DGRAM, 0, True),
        (socket.AF_INET, socket.SOCK_STREAM, 262, False),
        (socket.AF_INET, socket.SOCK_STREAM, 132, False),
        (socket.AF_INET, socket.SOCK_RAW, 1, False),
        (socket.AF_PACKET, socket.SOCK_DGRAM, 0, False),
        (socket.AF_NETLINK, socket.SOCK_RAW, 0, False),
        (socket.AF_UNIX, socket.SOCK_STREAM, 0, False),
        (socket.AF_UNIX, socket.SOCK_DGRAM, 0, False),
        (socket.AF_VSOCK, socket.SOCK_STREAM, 0, False),
    ],
)
def test_the_broker_makes_sockets_of_tcp_and_udp(
    each: Machine, result: Result, family: int, kind: int, protocol: int, allowed: bool
) -> None:
    program = build(each, broker_calls(PID, False, False))
    assert result(each, program, "socket", family, kind, protocol) == (ALLOW if allowed else NO)


def test_the_broker_opens_files_only_for_names_and_local_sockets_only_where_declared(
    each: Machine, result: Result
) -> None:
    plain, all_of_it = build(each, broker_calls(PID, False, False)), build(each, broker_calls(PID, True, True))
    assert result(each, plain, "openat") == NO
    assert result(each, all_of_it, "openat") == ALLOW
    assert result(each, plain, "socket", socket.AF_UNIX, socket.SOCK_DGRAM, 0) == NO
    assert result(each, all_of_it, "socket", socket.AF_UNIX, socket.SOCK_DGRAM, 0) == ALLOW
    for program in (plain, all_of_it):
        assert result(each, program, "accept4") == NO
        assert result(each, program, "listen") == NO


def test_before_the_loop_only_the_ring_is_refused(each: Machine, result: Result) -> None:
    program = build(each, IO_URING, ALLOW)
    assert result(each, program, "io_uring_setup") == NO
    assert result(each, program, "socket") == ALLOW
