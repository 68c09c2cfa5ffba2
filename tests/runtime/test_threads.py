from __future__ import annotations

import asyncio
import threading

import pytest

from revproxy.runtime.threads import in_thread


async def test_the_result_comes_from_another_thread():
    assert await in_thread(threading.get_ident) != threading.get_ident()


async def test_an_error_comes_too():
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_thread(fail)


def test_the_loop_does_not_wait_for_work_that_nobody_waits_for():
    release, begun, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(10)
        ended.set()

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.sleep(0)
        begun.wait(10)
        task.cancel()

    asyncio.run(main())
    assert not ended.is_set()
    release.set()
    assert ended.wait(10)
