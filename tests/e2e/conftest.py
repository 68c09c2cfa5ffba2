"""Makes `servers` and its like importable for the end-to-end tests, and keeps what several share."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from arrangement import FEED, ROLES, Arranged, printed
from inside import POSTGRES, PROGRAMS, served
from lab import DOORS, Lab, lacking
from servers import Postfix, Process, missing

Need = Callable[..., None]


@pytest.fixture(scope="session")
def need() -> Need:
    """Skips the test, and says why, where a program is not installed."""

    def check(*programs: str, root: bool = False) -> None:
        lacking = missing(*programs) + (["root"] if root and os.geteuid() != 0 else [])
        if lacking:
            pytest.skip(f"needs {', '.join(lacking)}")

    return check


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path (control sockets have few bytes for it) that other users may enter (nginx, smtp-sink)."""
    made = Path(tempfile.mkdtemp(prefix="rp-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def started() -> Iterator[list[Process]]:
    """Append what is started: it is stopped at the module's end, the last one first."""
    processes: list[Process] = []
    yield processes
    for process in reversed(processes):
        process.stop()


@pytest.fixture(scope="module")
def postfix(need: Need) -> Iterator[Postfix]:
    """A private Postfix."""
    need("postfix", root=True)
    root = Path(tempfile.mkdtemp(prefix="rp-postfix-"))
    made = Postfix(root)
    yield made
    made.command("stop")
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Lab]:
    lacks = [*lacking(), *missing(*PROGRAMS), *([] if POSTGRES else ["postgresql"])]
    if lacks:
        pytest.skip(f"needs {', '.join(lacks)}")
    made = Lab()
    try:
        made.arrange("dual")
        made["internet"].open_door(FEED[1])
        with served(made.machines, folder):
            yield made
    finally:
        made.close()


@pytest.fixture(scope="module", params=list(ROLES))
def arranged(lab: Lab, folder: Path, request: pytest.FixtureRequest) -> Arranged:
    lab.unload()
    lab.arrange(request.param)
    config, roles = folder / "front/revproxy.yaml", {**ROLES[request.param], "front": "host"}
    rules = {name: printed(role, request.param, config) for name, role in roles.items()}
    made = Arranged(lab, request.param, config, {}, rules)
    made.without_rules = {source: made.scan(source, DOORS) for source in ("internet", "front", "beside", "lan")}
    made.load()
    return made
