"""Message data: the end, the faults, transparency, whatever the blocks that it comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import SmtpError
from revproxy.model import SmtpLimits
from revproxy.protocols.smtp.data import DataReader, stuffed, unstuff
from revproxy.protocols.smtp.refusals import TOO_BIG

LIMITS = SmtpLimits(message_bytes=1_000, line_bytes=20)


def read(wire: bytes, blocks: int = 7, limits: SmtpLimits = LIMITS) -> DataReader:
    reader = DataReader(limits)
    at = 0
    while at < len(wire) and not reader.done:
        reader.feed(wire[at : at + blocks])
        at += blocks
    reader.rest += wire[at:] if reader.done else b""
    return reader


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize(
    ("wire", "message", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nMAIL", b"a\r\n", b"MAIL"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n", b""),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n", b""),
        (b"a.\r\n.\r\n", b"a.\r\n", b""),
        (b"x" * 20 + b"\r\n.\r\n", b"x" * 20 + b"\r\n", b""),
    ],
)
def test_messages(wire, message, rest, blocks):
    reader = read(wire, blocks)
    assert reader.done
    assert reader.rest == rest
    assert reader.message() == message


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5, 1000])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a\nb\r\n", "bare-in-data"),
        (b"a\rb\r\n", "bare-in-data"),
        (b"a\r\r\n", "bare-in-data"),
        (b"a\n\r\n", "bare-in-data"),
        (b"\na\r\n", "bare-in-data"),
        (b"\ra\r\n", "bare-in-data"),
        (b"a\0\r\n", "bare-in-data"),
        (b"a\n.\nb\r\n", "bare-in-data"),
        (b"a\r.\rb\r\n", "bare-in-data"),
        (b"a\n.\r\nb\r\n", "bare-in-data"),
        (b"a\r\n.\nb\r\n", "bare-in-data"),
        (b"a\r\n.\rb\r\n", "bare-in-data"),
        (b"a\r\n.\r\r\nb\r\n", "bare-in-data"),
        (b"x" * 22 + b"\r\n", "data-line-too-long"),
        (b"a\r\n" + b"x" * 40 + b"\r\n", "data-line-too-long"),
        (b"abc\r\n" * 201, "message-too-big"),
    ],
)
def test_faults_are_known_at_the_end_and_only_there(body, reason, blocks):
    reader = read(body + b".\r\nrest", blocks)
    assert reader.done
    assert reader.rest == b"rest"
    assert reader.held == 0
    with pytest.raises(SmtpError) as caught:
        reader.message()
    assert caught.value.reason == reason


def test_endless_data_holds_nothing():
    reader = DataReader(LIMITS)
    for _ in range(100):
        reader.feed(b"abc\r\n" * 10)
        assert reader.held <= 1_100
    assert reader.overrun
    assert not reader.done


def test_spoiled():
    reader = DataReader(LIMITS)
    reader.feed(b"abc\r\n")
    reader.spoil(TOO_BIG)
    reader.feed(b"abc\r\n.\r\n")
    assert reader.held == 0
    with pytest.raises(SmtpError, match="message-too-big"):
        reader.message()
    with pytest.raises(ValueError, match="after the end"):
        reader.feed(b"x")


LINES = st.lists(
    st.binary(max_size=15).map(lambda b: b.translate(None, b"\r\n\0")) | st.sampled_from([b".", b"..", b""])
)


@given(LINES, st.integers(1, 30))
def test_what_goes_out_comes_back(lines, blocks):
    message = b"".join(line + b"\r\n" for line in lines)
    reader = read(b"".join(stuffed(message, blocks)) + b"NEXT", blocks, SmtpLimits())
    assert reader.done
    assert reader.message() == message
    assert reader.rest == b"NEXT"


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"\0", b"\r\n.\r\n"]), max_size=30),
    st.integers(1, 9),
)
def test_the_blocks_do_not_matter(pieces, blocks):
    wire = b"".join(pieces)
    one, other = read(wire, 10_000), read(wire, blocks)
    assert (one.done, one.rest) == (other.done, other.rest)
    if one.done:
        assert _end(one) == _end(other)
        content = (b"\r\n" + wire)[: (b"\r\n" + wire).find(b"\r\n.\r\n") + 2]
        bare = content.replace(b"\r\n", b"")
        assert (_end(one) == "bare-in-data") == bool(set(bare) & set(b"\r\n\0"))


def _end(reader: DataReader) -> object:
    try:
        return reader.message()
    except SmtpError as error:
        return error.reason


def test_stuffing():
    for most in range(1, 9):
        assert b"".join(stuffed(b"", most)) == b".\r\n"
        assert b"".join(stuffed(b".a\r\n.b\r\n", most)) == b"..a\r\n..b\r\n.\r\n"
        assert b"".join(stuffed(b"a\r\n..", most)) == b"a\r\n...\r\n.\r\n"
    assert len(list(stuffed(bytes(1_000_000)))) == 5
    assert unstuff(b"\r\n..a\r\n") == b"\r\n.a\r\n"
