"""Attempts on files, programs, processes and the kernel."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial

from revproxy.app.verify.attempt import Attempt, Ground, call

_FILES, _PROCESSES = "files", "processes"
_PTRACE_SEIZE = 0x4206
_NEW_USER, _NEW_NET, _NEW_MOUNT = 0x10000000, 0x40000000, 0x00020000
_ANONYMOUS, _EXEC = 0x22, 7
_PAGE = 4096
_BUFFER = bytes(128)


def attempts(ground: Ground) -> Iterator[Attempt]:
    """All of them but the one after which there is no other."""
    yield Attempt(_FILES, "a file in the spool", _spooled, wanted=True)
    for path in ground.private:
        yield Attempt(_FILES, f"reading {path}", partial(_open, path, os.O_RDONLY))
        yield Attempt(_FILES, f"writing {path}", partial(_open, path, os.O_WRONLY))
    for folder in ("/", "/tmp", ground.settings.cache, os.path.dirname(sys.modules["revproxy"].__file__ or "/")):
        yield Attempt(_FILES, f"a new file in {folder}", partial(_new, folder))
    yield Attempt(_FILES, "listing /", partial(os.listdir, "/"))
    yield Attempt(_FILES, "a file in memory (memfd_create)", partial(call, "memfd_create", b"x\0", 0))
    yield Attempt(_FILES, "a file by its handle", partial(call, "open_by_handle_at", -1, _BUFFER, 0))
    yield Attempt(_FILES, "a link out of the spool", _linked)
    yield Attempt(_FILES, "mount", partial(call, "mount", b"x\0", b"/\0", b"x\0", 0, None))
    yield from _processes()
    yield from _kernel()


def last() -> Iterator[Attempt]:
    """If this works, nobody is left to tell: the table says that the probe ended."""
    yield Attempt(_PROCESSES, "exec", partial(os.execv, sys.executable, [sys.executable, "-c", "pass"]))


def _processes() -> Iterator[Attempt]:
    parent = os.getppid()
    yield Attempt(_PROCESSES, "fork", _forked)
    yield Attempt(_PROCESSES, "clone3 of a process", partial(call, "clone3", None, 0))
    yield Attempt(_PROCESSES, "a signal to the supervisor", partial(os.kill, parent, 0))
    yield Attempt(_PROCESSES, "the same by tgkill", partial(call, "tgkill", parent, parent, 0))
    yield Attempt(_PROCESSES, "ptrace of the supervisor", partial(call, "ptrace", _PTRACE_SEIZE, parent, 0, 0))
    yield Attempt(
        _PROCESSES, "the supervisor's memory", partial(call, "process_vm_readv", parent, None, 0, None, 0, 0)
    )
    yield Attempt(_PROCESSES, "writing it", partial(call, "process_vm_writev", parent, None, 0, None, 0, 0))
    yield Attempt(_PROCESSES, "its memory as a file", partial(_open, f"/proc/{parent}/mem", os.O_RDONLY))
    yield Attempt(_PROCESSES, "its environment", partial(_open, f"/proc/{parent}/environ", os.O_RDONLY))
    yield Attempt(_PROCESSES, "its descriptors (pidfd)", partial(call, "pidfd_open", parent, 0))
    yield Attempt(_PROCESSES, "exec from memory", partial(call, "execveat", -1, b"\0", None, None, 0x1000))


def _kernel() -> Iterator[Attempt]:
    group = "kernel"
    yield Attempt(group, "becoming root", partial(call, "setuid", 0))
    yield Attempt(group, "capabilities", partial(call, "capset", _BUFFER, _BUFFER))
    yield Attempt(group, "another root folder", partial(os.chroot, "/"))
    yield Attempt(group, "a new user namespace", partial(call, "unshare", _NEW_USER))
    yield Attempt(group, "a new network namespace", partial(call, "unshare", _NEW_NET))
    yield Attempt(group, "a new mount namespace", partial(call, "unshare", _NEW_MOUNT))
    yield Attempt(group, "another namespace", partial(call, "setns", -1, 0))
    yield Attempt(group, "io_uring", partial(call, "io_uring_setup", 1, _BUFFER))
    yield Attempt(group, "bpf", partial(call, "bpf", 0, _BUFFER, 0))
    yield Attempt(group, "perf", partial(call, "perf_event_open", _BUFFER, 0, -1, -1, 0))
    yield Attempt(group, "userfaultfd", partial(call, "userfaultfd", 1))
    yield Attempt(group, "keys of the kernel", partial(call, "keyctl", 0, -3, 0))
    yield Attempt(group, "memory that is code", partial(call, "mmap", 0, _PAGE, _EXEC, _ANONYMOUS, -1, 0))


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK))


def _new(folder: str) -> None:
    name = os.path.join(folder, f".revproxy-verify-{os.getpid()}")
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno == errno.EROFS:
            raise PermissionError(errno.EACCES, "read-only file system") from None
        raise
    os.unlink(name)


def _spooled() -> None:
    """As `net.spool` does: the current folder is the spool."""
    os.close(os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _linked() -> None:
    os.symlink("/etc/passwd", "link")
    os.unlink("link")


def _forked() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.kill(child, signal.SIGKILL)
