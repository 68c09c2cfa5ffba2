"""Taking in a request body: stored as it came, taken apart as its type says, judged piece by piece and as a whole.

Nothing of it goes inside before `take_in` has returned, except on a route that declares `stream` (`flow`), where
each piece is judged before it goes on. How a body is taken apart stands in `reading`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from revproxy.errors import ContentError, HttpError, LimitError, PeerError
from revproxy.inspection.aside import aside
from revproxy.model import Phase, Transaction
from revproxy.proxy.http.collector import GATHERED
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Body, Pieces
from revproxy.proxy.http.reading import Reading
from revproxy.proxy.http.refusal import Refused, from_client
from revproxy.proxy.http.waiting import judge_raw, judge_windows

_READERS = aside(2, "reading")
ASIDE_BYTES = 16 * 1024
"""Bodies over this are taken apart in a thread: the loop must not stand still."""


class Store(Protocol):
    """Where a body is kept until its verdict (`net.Spool`)."""

    async def write(self, data: bytes) -> None:
        """Keep it. Raises LimitError when there is no room."""


async def take_in(
    body: Pieces, spool: Store, reading: Reading, judge: Judge, transaction: Transaction, most: int
) -> None:
    """Read a body to its end and judge it. Raises Refused; `most` bytes may come, more are 413."""
    async for _ in _judged(body, spool, reading, judge, most):
        pass
    reading.fill(transaction.fields)
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)


async def arrive(body: Body) -> None:
    """Wait until all of a short body is there. Raises Refused."""
    try:
        await body.arrive()
    except PeerError as error:
        raise from_client(error) from error


async def conclude(reading: Reading, judge: Judge, finished: bool) -> None:
    """Judge a body that was fed whole, in windows what is long, and `finish` it before where that is still to be
    done. Raises Refused."""
    try:
        await _judge_windows(reading, judge)
        if not finished:
            await _finish(reading)
            await _judge_windows(reading, judge)
    except (ContentError, LimitError) as error:
        raise from_client(error) from error
    reading.fill(judge.transaction.fields)
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)


async def _finish(reading: Reading) -> None:
    if reading.size > ASIDE_BYTES:
        await asyncio.get_running_loop().run_in_executor(_READERS, reading.finish)
    else:
        reading.finish()


async def store(body: Pieces, spool: Store, most: int) -> None:
    """Read a body to its end without looking at it: the route's inspection is off. Raises Refused."""
    try:
        async for piece in _bounded(body, most):
            await spool.write(piece)
    except (HttpError, LimitError, PeerError) as error:
        raise from_client(error) from error


async def flow(
    body: Pieces, reading: Reading, judge: Judge, transaction: Transaction, most: int
) -> AsyncIterator[bytes]:
    """A body of a streaming route: judged as it goes on. Raises Refused in the middle of it.

    Of a raw body every piece goes on as soon as it was judged. Of any other the last piece is held back until the
    whole was judged: the inside never gets all of a body that is refused.
    """
    held: list[bytes] = []
    async for piece in _judged(body, None, reading, judge, most):
        if not reading.waits:
            await _judge_fresh(reading, judge, transaction)
            for ready in held:
                yield ready
            held.clear()
        if reading.at_once:
            yield piece
        else:
            held.append(piece)
    reading.fill(transaction.fields)
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)
    for ready in held:
        yield ready


async def _judge_fresh(reading: Reading, judge: Judge, transaction: Transaction) -> None:
    """Judge what was gathered since the last time, and that the body broke, before any more of it goes on."""
    fresh, fields = reading.collector.fresh(), transaction.fields
    if fresh is None and not reading.error:
        return
    before = {name: got for name in GATHERED if (got := fields.get(name)) is not None}
    if fresh is not None:
        fresh.fill(fields)
    if reading.error:
        fields.put("body.error", (reading.error.encode("ascii"),))
    await judge.judge(Phase.BODY, Phase.BODY, reading.size)
    for name in GATHERED:
        fields.drop(name)
    fields.preset(before)


async def flow_unseen(body: Pieces, most: int) -> AsyncIterator[bytes]:
    """A body of a streaming route whose inspection is off. Raises Refused."""
    try:
        async for piece in _bounded(body, most):
            yield piece
    except (HttpError, PeerError) as error:
        raise from_client(error) from error


async def _judged(
    body: Pieces, spool: Store | None, reading: Reading, judge: Judge, most: int
) -> AsyncIterator[bytes]:
    try:
        async for piece in _bounded(body, most):
            if spool is not None:
                await spool.write(piece)
            reading.feed(piece)
            await _judge_windows(reading, judge)
            yield piece
        await _finish(reading)
        await _judge_windows(reading, judge)
    except (HttpError, ContentError, LimitError, PeerError) as error:
        raise from_client(error) from error


async def _judge_windows(reading: Reading, judge: Judge) -> None:
    if reading.collector.windows:
        await judge_windows(judge, reading.collector.windows)
    if reading.raw is not None and (ready := reading.raw.ready()):
        await judge_raw(judge, ready)


async def _bounded(body: Pieces, most: int) -> AsyncIterator[bytes]:
    size = 0
    while piece := await body.read():
        size += len(piece)
        if size > most:
            raise Refused(413, "body_bytes")
        yield piece
