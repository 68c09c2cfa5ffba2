"""Our engine beside real ModSecurity: a sample of each set; all of it under REVPROXY_FULL=1.

Every difference has to be of a class that `differences.yaml` lists, and every class there has to show itself in its
own request.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from revproxy.app.ftw import InProcess, in_process
from revproxy.app.unconfigured import offline_settings
from tests.differential.__main__ import settings_of
from tests.differential.compare import differences
from tests.differential.listed import Difference, read
from tests.differential.traffic import CRS, SETS, items
from tests.oracle.exchanges import exchange
from tests.oracle.modsecurity import Oracle, available, crs

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("REVPROXY_FULL") == "1"
pytestmark = [
    pytest.mark.skipif(not available(), reason="needs libmodsecurity"),
    pytest.mark.skipif(not CRS.is_dir(), reason=f"needs {CRS}"),
]


@pytest.mark.timeout(7200 if FULL else 300)
@pytest.mark.parametrize("level", [1, 4])
def test_nothing_differs_that_is_not_listed(level: int) -> None:
    command = [sys.executable, "-m", "tests.differential", "--check", "--level", str(level)]
    done = subprocess.run(
        command if FULL else [*command, "--sample"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[InProcess, Oracle]]:
    """Both engines at level 4, with nothing kept out of the way."""
    before = settings_of("", 4, plain=True)
    with in_process([str(CRS)], before, offline_settings()) as ours, Oracle(crs(CRS, before)) as oracle:
        yield ours, oracle


@pytest.mark.timeout(300)
@pytest.mark.parametrize("listed", read(), ids=lambda one: f"{one.rule}-{one.side}")
def test_every_listed_class_shows_itself(listed: Difference, both: tuple[InProcess, Oracle]) -> None:
    ours, oracle = both
    mine = ours.run(listed.request).rules
    theirs = [*map(str, oracle.run(exchange(listed.request)).rules)]
    found = differences(mine, theirs)
    fired = set(mine) & set(theirs)
    assert any(listed.covers(key, listed.request, fired) for key in found), (found, fired)


@pytest.mark.parametrize("which", SETS)
def test_sets(which: str) -> None:
    some = list(items(which, limit=20, every=3))
    assert len({item.name for item in some}) == 20
    assert all(item.raw.count(b"\r\n") > 2 and b"\n" not in item.raw.partition(b"\r\n")[0] for item in some)
