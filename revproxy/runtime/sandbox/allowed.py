"""Which system calls a worker and the broker may make: by what they need, with a reason where it is not plain.

Taken from traces of both under the end-to-end tests; all else is refused (docs/decisions/0007-sandbox.md says why it
is a list of what is allowed). What is in no list: every way to a new socket, to another program or process, to more
rights, or to code that was not there at the start. Little-endian 64-bit processors only.
"""

from __future__ import annotations

import errno
import os
import socket
import termios
from collections.abc import Iterable

from revproxy.runtime.sandbox.program import Call, Is, Null, Test, refuse

_EXEC = 4
_CLONE_THREAD = 0x10000
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_TYPE = 0xF
"""The bits of a socket's type that are no flags."""

_PLAIN = """
brk clock_getres clock_gettime clock_nanosleep close epoll_ctl epoll_pwait epoll_pwait2 epoll_wait exit exit_group
fstat futex getegid geteuid getgid getpeername getpid getppid getrandom getrlimit getrusage getsockname getsockopt
gettid gettimeofday getuid lseek lstat madvise mremap munmap nanosleep newfstatat poll ppoll pread64 pselect6
pwrite64 read readv recvfrom recvmsg restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity
sched_yield select set_robust_list sigaltstack stat statx sysinfo time uname write writev
"""
"""Memory, threads, time, and what is open already. Looking at a file's dates (`newfstatat` and its like) is how the C
library finds out whether the time zone has changed; it cannot be forbidden by name."""

_FCNTL = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: not F_SETOWN, which sends signals."""
_PRCTL = (15, 16, 0x53564D41)
"""Names: PR_SET_NAME and PR_GET_NAME of threads, PR_SET_VMA of memory."""
_IOCTL = (termios.TCGETS, termios.FIONBIO, termios.FIONREAD, termios.TIOCOUTQ, termios.FIOCLEX, termios.FIONCLEX)
_OPTIONS = {
    socket.SOL_SOCKET: (socket.SO_KEEPALIVE, socket.SO_LINGER, socket.SO_SNDBUF, socket.SO_RCVBUF),
    socket.IPPROTO_TCP: (socket.TCP_NODELAY, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT),
}
"""Of setsockopt: not filters (programs for the kernel), other protocols on top, or other interfaces."""


def _one_of(argument: int, values: Iterable[int]) -> tuple[tuple[Test, ...], ...]:
    return tuple((Is(argument, value),) for value in values)


def _common(pid: int) -> list[Call]:
    options = tuple((Is(1, level), Is(2, option)) for level, names in _OPTIONS.items() for option in names)
    conditional = [
        # Threads, not processes. What the flags of clone3 are BPF cannot see: the C library then uses clone.
        Call("clone", ((Is(0, _CLONE_THREAD, _CLONE_THREAD),),)),
        Call("clone3", result=refuse(errno.ENOSYS)),
        Call("fcntl", _one_of(1, _FCNTL)),
        Call("ioctl", _one_of(1, _IOCTL)),
        # No memory becomes code.
        Call("mmap", ((Is(2, 0, _EXEC),),)),
        Call("mprotect", ((Is(2, 0, _EXEC),),)),
        Call("prctl", _one_of(0, _PRCTL)),
        Call("prlimit64", ((Null(2),),)),
        Call("setsockopt", options),
        # abort() and faulthandler; nobody else's threads.
        Call("tgkill", ((Is(0, pid),),)),
        # The loop makes one for signals each time it runs.
        Call("socketpair", ((Is(0, socket.AF_UNIX), Is(1, socket.SOCK_STREAM, _TYPE)),)),
    ]
    return [*conditional, *(Call(name) for name in _PLAIN.split())]


def worker_calls(pid: int) -> list[Call]:
    """What a worker may do. It gets sockets from accept and from the broker, and in no other way.

    No sendmsg at all, and sendto only without an address: with MSG_FASTOPEN either connects a socket to any address
    without connect(), and the UDP socket of a log could write to anybody.
    """
    return [
        *_common(pid),
        Call("accept"),
        Call("accept4"),
        # A thread gives way to others, none makes another one do so.
        Call("getpriority", ((Is(0, os.PRIO_PROCESS), Is(1, 0)),)),
        Call("setpriority", ((Is(0, os.PRIO_PROCESS), Is(1, 0)),)),
        Call("ftruncate"),
        # The sockets that it inherits listen already. Any other would be given a port by this call.
        Call("listen", result=refuse(0)),
        Call("openat"),
        Call("sendto", ((Null(4),),)),
        # By which the kernel ends it when its loop stands still.
        Call("setitimer"),
        # Shut down for reading, a listening socket, which all workers share, would listen no more, and could connect.
        Call("shutdown", ((Is(1, socket.SHUT_WR),),)),
        Call("unlink"),
        Call("unlinkat"),
    ]


def broker_calls(pid: int, names: bool, local: bool) -> list[Call]:
    """What the broker may do. `names`: it asks name servers, for which it reads a few files; `local`: it connects to
    a datagram socket of this machine (/dev/log)."""
    tcp = [(Is(0, f), Is(1, socket.SOCK_STREAM, _TYPE), Is(2, p)) for f in _INTERNET for p in (0, socket.IPPROTO_TCP)]
    udp = [(Is(0, f), Is(1, socket.SOCK_DGRAM, _TYPE), Is(2, p)) for f in _INTERNET for p in (0, socket.IPPROTO_UDP)]
    unix = [(Is(0, socket.AF_UNIX), Is(1, socket.SOCK_DGRAM, _TYPE))] if local else []
    lookups = [Call(name) for name in ("openat", "sendmmsg")] if names else []
    return [
        *_common(pid),
        # Not only TCP's number: other protocols (MPTCP) are not held by Landlock's rules for TCP.
        Call("socket", (*tcp, *udp, *unix)),
        Call("connect"),
        Call("sendmsg"),
        Call("sendto"),
        *lookups,
    ]


IO_URING = [
    Call(name, result=refuse(errno.EPERM)) for name in ("io_uring_setup", "io_uring_enter", "io_uring_register")
]
"""Refused before an event loop is made: its ring would do for its owner what the filter forbids."""
