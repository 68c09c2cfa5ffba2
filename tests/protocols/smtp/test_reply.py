"""Replies of internal servers: read strictly, in whatever pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import UpstreamError
from revproxy.protocols.smtp.reply import LINE_BYTES, LINES, Reply, ReplyReader, write_reply


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"250 2.1.0 Ok\r\n", Reply(250, b"2.1.0", (b"Ok",))),
        (b"250\r\n", Reply(250, b"", (b"",))),
        (b"250 \r\n", Reply(250, b"", (b"",))),
        (b"250-a\r\n250 b\r\n", Reply(250, b"", (b"a", b"b"))),
        (b"550-5.1.1 no\r\n550 5.1.1 such user\r\n", Reply(550, b"5.1.1", (b"no", b"such user"))),
        (b"550 4.1.1 no\r\n", Reply(550, b"", (b"4.1.1 no",))),
        (b"550 5.1.1\r\n", Reply(550, b"5.1.1", (b"",))),
        (b"554 5.1.1234 no\r\n", Reply(554, b"", (b"5.1.1234 no",))),
    ],
)
def test_replies(wire, reply):
    reader = ReplyReader()
    got = [one for at in range(len(wire)) for one in reader.feed(wire[at : at + 1])]
    assert got == [reply]
    assert reader.between


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"25 a\r\n",
        b"2500 a\r\n",
        b"199 a\r\n",
        b"650 a\r\n",
        b"250_a\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 a\nb\r\n",
        b"250 a\rb\r\n",
        b"250 a\0\r\n",
        b"\xb2\xb5\xb0 a\r\n",
        b"250 " + b"x" * LINE_BYTES + b"\r\n",
        b"x" * (LINE_BYTES + 1),
        b"250-a\r\n" * (LINES + 1),
    ],
)
def test_what_is_no_reply(wire):
    with pytest.raises(UpstreamError):
        ReplyReader().feed(wire)


@given(
    st.binary(max_size=60) | st.lists(st.sampled_from([b"250", b"-", b" ", b"\r\n", b"5.1.1", b"x"])).map(b"".join)
)
def test_it_reads_or_raises(data):
    reader = ReplyReader()
    try:
        replies = reader.feed(data)
    except UpstreamError:
        return
    assert all(200 <= reply.code <= 599 for reply in replies)


def test_ours():
    assert write_reply("250-a\n250 b") == b"250-a\r\n250 b\r\n"
    for text in ("250 a\r", "250 a\0", "250-a\n251 b", "250-a\nb", "ok", "250 ä"):
        with pytest.raises(ValueError):
            write_reply(text)
