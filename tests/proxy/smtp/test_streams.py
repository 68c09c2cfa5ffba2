"""The private names of asyncio's streams are still there, and do what they did."""

from __future__ import annotations

import asyncio

from revproxy.proxy.smtp.streams import buffered, discard, put_back


async def test_buffer():
    reader = asyncio.StreamReader()
    reader.feed_data(b"cd\r\n")
    put_back(reader, b"ab")
    put_back(reader, b"")
    assert buffered(reader) == 6
    assert await reader.readuntil(b"\n") == b"abcd\r\n"
    reader.feed_data(b"x")
    discard(reader)
    assert buffered(reader) == 0
