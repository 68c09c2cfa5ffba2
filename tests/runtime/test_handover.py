"""What goes through an exec, and who collects the children of before."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from revproxy.runtime.handover import BOUND, VARIABLE, Adopted, Handover, UpgradeRefused, become, bound_of, prove
from revproxy.runtime.legacy import Bell

PYTHON = sys.executable
FOREVER = (PYTHON, "-c", "import signal; signal.pause()")


@pytest.fixture
def bell() -> Iterator[Bell]:
    made = Bell.make()
    yield made
    made.close()


def of(listening: socket.socket, bell: Bell, *children: int) -> Handover:
    return Handover({"127.0.0.1:80": listening.fileno()}, bell.fileno(), children, 5.0)


def test_it_goes_through_the_environment(listening: socket.socket, bell: Bell) -> None:
    handover = of(listening, bell, 7, 8)
    os.set_inheritable(listening.fileno(), True)
    environment = {VARIABLE: handover.encode(), "PATH": "/bin"}
    assert Handover.take(environment) == handover
    assert environment == {"PATH": "/bin"}
    assert not os.get_inheritable(listening.fileno()), "no child is to have it"
    assert Handover.take(environment) is None


def test_there_is_another_try(listening: socket.socket, bell: Bell) -> None:
    handover = of(listening, bell)
    estate = handover.estate(None)
    assert estate.sockets["127.0.0.1:80"].getsockname() == listening.getsockname()
    estate.sockets["127.0.0.1:80"].close()
    estate.close()
    assert handover.again().tries == 1
    assert os.fstat(handover.bell)
    assert listening.fileno() >= 0


def test_whoever_asked_is_answered(listening: socket.socket, bell: Bell) -> None:
    ours, theirs = socket.socketpair()
    gone, other = socket.socketpair()
    other.close()
    numbers = (theirs.detach(), gone.detach())
    handover = Handover({}, bell.fileno(), (), 5.0, numbers)
    handover.answer({"ok": True})
    with ours:
        assert json.loads(ours.recv(100)) == {"ok": True}


async def test_a_proof_is_told_what_is_bound() -> None:
    code = f"import os, sys; sys.exit(os.environ[{BOUND!r}])"
    with pytest.raises(UpgradeRefused, match=r'\["127.0.0.1:80"\]'):
        await prove((PYTHON, "-c", code), os.environ, bound=["127.0.0.1:80"])
    assert bound_of({}) is None
    assert bound_of({BOUND: '["127.0.0.1:80"]'}) == {"127.0.0.1:80"}


async def test_a_proof(listening: socket.socket) -> None:
    await prove((PYTHON, "-c", "pass"), os.environ)
    with pytest.raises(UpgradeRefused, match="line 3: wrong"):
        await prove((PYTHON, "-c", "raise SystemExit('line 3: wrong')"), os.environ)
    with pytest.raises(UpgradeRefused, match="not done with its check"):
        await prove(FOREVER, os.environ, 0.2)
    with pytest.raises(UpgradeRefused, match="cannot be started"):
        await prove(("/nonexistent/program",), os.environ)


def test_a_program_that_is_not_there_changes_nothing(listening: socket.socket, bell: Bell) -> None:
    with pytest.raises(FileNotFoundError):
        become(("/nonexistent/program",), {}, of(listening, bell))
    assert not os.get_inheritable(listening.fileno())
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_program_begins_with_signals_that_wait(listening: socket.socket, bell: Bell) -> None:
    told = "import os, signal; print(signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    code = (
        "import os, sys; from revproxy.runtime.handover import Handover, become;"
        f"become((sys.executable, '-c', {told!r}), os.environ, Handover({{}}, 0, (), 1.0))"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"


def spawned(*argv: str) -> int:
    """A child that nobody else collects."""
    return os.posix_spawn(argv[0], argv, os.environ)


def collected(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


async def test_children_are_collected_or_killed() -> None:
    quick, slow = spawned(PYTHON, "-c", "pass"), spawned(*FOREVER)
    adopted = Adopted((quick, slow, 2**22 + 1))
    await adopted.end(0.5)
    assert not adopted.pids
    assert collected(quick)
    assert collected(slow)


@pytest.fixture
def stranger() -> int:
    """A process that is not our child."""
    quiet = "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
    code = f"import subprocess; print(subprocess.Popen({FOREVER!r}, {quiet}).pid)"
    return int(subprocess.run([PYTHON, "-c", code], capture_output=True, timeout=60, check=True).stdout)


async def test_a_number_that_is_somebody_elses_by_now_is_left_alone(stranger: int) -> None:
    watched = os.pidfd_open(stranger)
    try:
        adopted = Adopted((stranger,))
        assert adopted.pids == []
        adopted.kill()
        await adopted.end(0.1)
        assert not select.select([watched], [], [], 0.2)[0]
    finally:
        signal.pidfd_send_signal(watched, signal.SIGKILL)
        os.close(watched)


async def test_nobody_is_adopted() -> None:
    adopted = Adopted()
    async with asyncio.timeout(5):
        await adopted.end(60)
    adopted.kill()
    assert adopted.pids == []
