"""A broker's process: what it is started with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from revproxy.app import broker
from revproxy.app.service import BROKER


def test_it_runs_on_the_socket_of_its_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(broker, "run_broker", lambda number: called.append(number) or 3)
    assert broker.main(["9"]) == 3
    assert called == [9]
    assert BROKER[-1] == broker.__name__


def test_it_imports_nothing_that_it_has_no_use_for() -> None:
    """It is a process of its own: what takes things apart that come from outside is not in it."""
    code = (
        "import sys\n"
        "import revproxy.app.broker\n"
        "found = [name for name in sys.argv[1:] if name in sys.modules]\n"
        "assert not found, found\n"
    )
    useless = [
        "aiohttp",
        "aiosmtpd",
        "hyperscan",
        "re2",
        "cryptography",
        "revproxy.proxy",
        "revproxy.content",
    ]
    useless += ["revproxy.detection", "revproxy.inspection", "revproxy.protocols"]
    subprocess.run([sys.executable, "-P", "-c", code, *useless], check=True)
