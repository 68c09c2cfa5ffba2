"""What a `Judge` does where inspection waits for something, and judging a piece at a time: its coroutines."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from revproxy.content.guess import text_like
from revproxy.model import Phase, Verdict

if TYPE_CHECKING:
    from revproxy.proxy.http.judging import Judge


async def settled(waiting: Awaitable[None] | None) -> None:
    """Wait where there is anything to wait for."""
    if waiting is not None:
        await waiting


async def judged(
    judge: Judge, verdict: Awaitable[Verdict], began: float, first: Phase, last: Phase, size: int, part: bool
) -> None:
    """The rest of `Judge.start`."""
    judge.conclude(await verdict, began, first, last, size, part)


async def logged(judge: Judge, verdict: Awaitable[Verdict], began: float) -> None:
    """The rest of `Judge.log`."""
    await verdict
    judge.seconds += time.perf_counter() - began


async def judge_windows(judge: Judge, pending: list[tuple[bytes | None, bytes]]) -> None:
    """Judge windows of long contents and forget them, which is what bounds memory.

    A window of text of a body that no type describes stands among the arguments as well, without a name, so that
    what is looked for in values is looked for in it.
    """
    fields, wanted = judge.transaction.fields, judge.wanted
    while pending:
        name, data = pending.pop(0)
        as_text = name is None and "args" in wanted and text_like(data)
        arguments = fields.get("args")
        if name is not None:
            fields.put("files.content", (data,), (name,))
        elif "body" in wanted:
            fields.put("body", (data,))
        elif not as_text:
            continue
        if as_text:
            fields.put("args", (data,), (b"",))
        await judge.judge(Phase.BODY, Phase.BODY, len(data), part=True)
        if as_text:
            fields.drop("args")
        if as_text and arguments is not None:
            fields.put("args", arguments[1], arguments[0])
        fields.drop("body")
        fields.drop("files.content")


async def judge_raw(judge: Judge, pending: list[bytes]) -> None:
    """Judge windows of a raw body, as far as they are not judged with all else, and forget them."""
    fields = judge.transaction.fields
    for data in pending:
        fields.put("body.raw", (data,))
        await judge.judge(Phase.BODY, Phase.BODY, len(data), part=True)
        fields.drop("body.raw")
