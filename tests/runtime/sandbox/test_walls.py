"""All of it together in a process, and what is said where a machine cannot do it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revproxy.config.users import find_user
from revproxy.runtime.sandbox import walls as module
from revproxy.runtime.sandbox.landlock import Reach
from revproxy.runtime.sandbox.walls import NotConfined, Walls, confine, lacking, program_folders

pytestmark = pytest.mark.skipif(bool(lacking()), reason="; ".join(lacking()))
Locked = Callable[..., Any]
CODE = """
import asyncio, uvloop
begin()
loop = uvloop.new_event_loop()
os.chdir({folder!r})
made = socket.socket()
missing = confine(Walls(Reach(program_folders(), ({folder!r},)), worker_calls, find_user("nobody")))
async def threads():
    return await asyncio.gather(*(loop.run_in_executor(None, tries, lambda: socket.socket()) for _ in range(3)))
say([
    list(missing), tries(lambda: socket.socket()), tries(lambda: made.connect(("127.0.0.1", 9))),
    tries(lambda: made.listen()), made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
    tries(lambda: open("/etc/passwd")), tries(lambda: open("file", "w").close()), tries(os.fork),
    tries(lambda: os.execv("/bin/true", ["true"])), loop.run_until_complete(threads()),
])
"""


def test_a_worker_as_it_is_locked_in(locked: Locked, tmp_path: Path) -> None:
    if os.getuid() == 0:
        os.chown(tmp_path, find_user("nobody").uid, -1)
    assert locked(CODE.format(folder=str(tmp_path))) == [
        [],
        *["EPERM"] * 2,
        "possible",
        0,
        "EACCES",
        "possible",
        *["EPERM"] * 2,
        ["EPERM"] * 3,
    ]


def test_a_loop_with_a_ring_of_its_own_is_told(locked: Locked) -> None:
    code = "import uvloop; loop = uvloop.new_event_loop(); say(confine(Walls(Reach(), worker_calls, None)))"
    code = f"from revproxy.runtime.sandbox.walls import _descriptors\n{code}"
    missing = locked(code)
    assert all("io_uring" in what for what in missing)


def test_a_thread_is_too_many(locked: Locked) -> None:
    code = """
import threading
stop = threading.Event()
thread = threading.Thread(target=stop.wait)
thread.start()
try:
    confine(Walls(Reach(), worker_calls, None))
except NotConfined as error:
    say(str(error))
stop.set()
"""
    assert "thread" in locked(code)


def test_what_is_required_and_missing_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "machine", lambda: None)
    assert lacking() == (module._NO_PROCESSOR,)
    with pytest.raises(NotConfined, match="processor"):
        confine(Walls(Reach(), lambda _: (), None, required=True))


def test_without_filters_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_filters", lambda _: False)
    assert module._NO_FILTER in lacking()


def test_the_programs_own_folders() -> None:
    assert all(os.path.isdir(folder) for folder in program_folders())
    assert any(folder.endswith("/revproxy") for folder in program_folders())
