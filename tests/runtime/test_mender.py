"""The mender's clock is the test's; the processes are real."""

from __future__ import annotations

import asyncio
import sys

import pytest

from revproxy.runtime.mender import QUIET_SECONDS, Mender

WRITE = "import sys; open(sys.argv[1], 'ab').write(b'x')"


class Clock:
    """Sleeps end when the test says so."""

    def __init__(self):
        self.asked = []
        self.go = asyncio.Event()

    async def sleep(self, seconds):
        self.asked.append(seconds)
        await self.go.wait()


@pytest.fixture
async def made(tmp_path):
    """`made(code)`: a mender that runs this, and its clock."""
    menders = []

    def make(code):
        clock = Clock()
        menders.append(Mender((sys.executable, "-c", code, str(tmp_path / "file")), clock.sleep))
        return menders[-1], clock

    yield make
    for one in menders:
        await one.close()


async def turns():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_many_changes_in_a_row_are_mended_once(made, tmp_path):
    mender, clock = made(WRITE)
    for _ in range(3):
        await mender.in_force(True)
        await turns()
    assert clock.asked == [QUIET_SECONDS] * 3
    clock.go.set()
    await mender._task
    assert (tmp_path / "file").read_bytes() == b"x"


async def test_what_is_whole_needs_nothing_and_ends_nobody(made, tmp_path):
    mender, clock = made(WRITE)
    await mender.in_force(False)
    assert mender._task is None
    await mender.in_force(True)
    # The one that mends asks for this itself.
    await mender.in_force(False)
    clock.go.set()
    await mender._task
    assert (tmp_path / "file").read_bytes() == b"x"


async def test_where_nobody_can_nothing_is_started():
    mender = Mender(())
    await mender.in_force(True)
    assert mender._task is None
    await mender.close()


async def test_what_fails_is_said(made, caplog):
    mender, clock = made("raise SystemExit(1)")
    clock.go.set()
    await mender.in_force(True)
    await mender._task
    assert "rules were not linked anew" in caplog.text
    missing = Mender(("/missing",), clock.sleep)
    await missing.in_force(True)
    await missing._task
    assert "cannot be linked anew" in caplog.text


async def test_nothing_is_started_once_it_is_closed(made, tmp_path):
    mender, clock = made(WRITE)
    await mender.in_force(True)
    await mender.close()
    clock.go.set()
    await turns()
    assert not (tmp_path / "file").exists()


async def test_what_was_given_up_is_begun_anew(made, tmp_path):
    mender, clock = made(WRITE)
    await mender.resume()
    assert mender._task is None
    await mender.in_force(True)
    await mender.close()
    clock.go.set()
    await mender.resume()
    await mender._task
    assert (tmp_path / "file").read_bytes() == b"x"
