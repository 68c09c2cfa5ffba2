"""Tasks that fail with nobody there, and tasks that are given up."""

from __future__ import annotations

import asyncio

import pytest

from revproxy.errors import RevproxyError
from revproxy.runtime.tasks import cancel, logged


@pytest.mark.parametrize("error", [RevproxyError("it is broken"), ZeroDivisionError("it is broken")])
async def test_a_failure_is_said(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise error

    await logged("reload", fail())
    assert "reload failed, the old generation stays in force" in caplog.text
    assert "it is broken" in caplog.text
    # A mistake is a line, a bug has its stack.
    assert ("Traceback" in caplog.text) is isinstance(error, ZeroDivisionError)


async def test_those_that_are_given_up_have_ended() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    tasks = {asyncio.create_task(work()) for _ in range(3)}
    await asyncio.sleep(0)
    await cancel(tasks)
    assert ended == [True] * 3
    assert all(task.cancelled() for task in tasks)
