from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.errors import LimitError, PeerClosed
from revproxy.runtime.channel import encode, frame, read_frame, read_message, read_pieces, receive_frame


def _fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def _all(data: bytes) -> list[dict]:
    reader, got = _fed(data), []
    try:
        while True:
            got.append(await read_message(reader))
    except PeerClosed:
        return got


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none())))
def test_what_is_encoded_is_read(messages):
    assert asyncio.run(_all(b"".join(map(encode, messages)))) == messages


@given(st.binary())
def test_any_bytes_are_messages_or_the_documented_errors(data):
    try:
        asyncio.run(_all(data))
    except LimitError:
        assert data


async def test_a_frame_over_its_limit_is_not_read():
    with pytest.raises(LimitError):
        await read_frame(_fed(frame(b"12345")), 4)
    assert await read_frame(_fed(frame(b"1234")), 4) == b"1234"


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff", b"1"])
async def test_what_is_no_object_ends_the_channel(payload):
    with pytest.raises(PeerClosed):
        await read_message(_fed(frame(payload)))


async def test_pieces_come_in_the_order_of_their_names():
    data = frame(b"hay") + frame(b"") + frame(b"left")
    reader = _fed(data)
    assert await read_pieces(reader, ("a", "b")) == {"a": b"hay", "b": b""}
    assert await read_frame(reader) == b"left"
    with pytest.raises(PeerClosed):
        await read_pieces(reader, ("c",))


@given(st.binary(max_size=2000), st.binary(max_size=10))
@settings(deadline=None)
def test_the_first_frame_may_be_read_before_there_is_a_loop(payload, more):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(payload) + more)
        theirs.shutdown(socket.SHUT_WR)
        assert receive_frame(ours) == payload
        assert ours.recv(100) == more


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\5abc"])
def test_a_first_frame_that_is_cut_off(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(PeerClosed):
            receive_frame(ours)


def test_a_first_frame_that_is_too_long():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(bytes(10)))
        with pytest.raises(LimitError):
            receive_frame(ours, 9)
