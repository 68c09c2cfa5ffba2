"""Command lines, and the parameters of MAIL and RCPT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import SmtpError
from revproxy.model import SmtpLimits
from revproxy.protocols.smtp.address import NULL, Address
from revproxy.protocols.smtp.command import Command, MailFrom, parse_command, parse_mail, parse_rcpt

LIMITS = SmtpLimits()
A = Address(b"a", b"b.example")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"NOOP\r\n", Command(b"NOOP", b"")),
        (b"ehlo x  \r\n", Command(b"EHLO", b"x")),
        (b"Mail FROM:<a@b.example>\r\n", Command(b"MAIL", b"FROM:<a@b.example>")),
    ],
)
def test_lines(line, command):
    assert parse_command(line, LIMITS) == command


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"NOOP\n", "bare-control"),
        (b"NOOP", "bare-control"),
        (b"NO\nOP\r\n", "bare-control"),
        (b"NOOP\r\r\n", "bare-control"),
        (b"NOOP \0\r\n", "bare-control"),
        (b"NOOP\tx\r\n", "bare-control"),
        (b"NOOP " + b"x" * 600 + b"\r\n", "command-too-long"),
        (b"\r\n", "bad-command"),
        (b" NOOP\r\n", "bad-command"),
        (b"N\xc3\xb6OP\r\n", "bad-command"),
        (b"A" * 13 + b"\r\n", "bad-command"),
    ],
)
def test_lines_that_are_refused(line, reason):
    with pytest.raises(SmtpError) as caught:
        parse_command(line, LIMITS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("argument", "mail"),
    [
        (b"FROM:<a@b.example>", MailFrom(A)),
        (b"from: <a@b.example>", MailFrom(A)),
        (b"FROM:<>", MailFrom(NULL)),
        (b"FROM:<a@b.example> SIZE=007", MailFrom(A, 7)),
        (b"FROM:<a@b.example> size=5 body=8bitmime", MailFrom(A, 5, True)),
        (b"FROM:<a@b.example> BODY=7BIT SMTPUTF8", MailFrom(A, 0, False, True)),
        ("FROM:<ä@b.example> SMTPUTF8".encode(), MailFrom(Address("ä".encode(), b"b.example"), utf8=True)),
    ],
)
def test_mail(argument, mail):
    assert parse_mail(argument) == mail


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        (b"", "501"),
        (b"TO:<a@b.example>", "501"),
        (b"FROM:a@b.example", "553"),
        (b"FROM:<a>", "553"),
        (b"FROM:<postmaster>", "553"),
        (b"FROM:<a@b.example> SIZE", "501"),
        (b"FROM:<a@b.example> SIZE=", "501"),
        (b"FROM:<a@b.example> SIZE=-1", "501"),
        (b"FROM:<a@b.example> SIZE=\xd9\xa1", "501"),
        (b"FROM:<a@b.example> SIZE=" + b"9" * 16, "501"),
        (b"FROM:<a@b.example> SIZE=1 SIZE=2", "555"),
        (b"FROM:<a@b.example> BODY=BINARYMIME", "501"),
        (b"FROM:<a@b.example> SMTPUTF8=1", "501"),
        (b"FROM:<a@b.example> AUTH=<>", "555"),
        (b"FROM:<a@b.example>  SIZE=1", "555"),
        (b"FROM:<a@b.example> XFOO=1", "555"),
        ("FROM:<ä@b.example>".encode(), "553"),
    ],
)
def test_mail_that_is_refused(argument, code):
    with pytest.raises(SmtpError) as caught:
        parse_mail(argument)
    assert caught.value.reply.startswith(code)


def test_no_parameters_without_ehlo():
    with pytest.raises(SmtpError, match="unknown-parameter"):
        parse_mail(b"FROM:<a@b.example> SIZE=1", extended=False)


def test_rcpt():
    assert parse_rcpt(b"to:<a@b.example>").recipient == A
    for argument, code in (
        (b"TO:<>", "553"),
        (b"TO:a@b.example", "553"),
        (b"TO:<a@b.example> NOTIFY=NEVER", "555"),
        (b"FROM:<a@b.example>", "501"),
        ("TO:<ä@b.example>".encode(), "553"),
    ):
        with pytest.raises(SmtpError) as caught:
            parse_rcpt(argument)
        assert caught.value.reply.startswith(code)


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"FROM:<", b"TO:<", b"FROM:<a@b.example> ", b"TO:<a@b.example> "])
)
def test_it_parses_or_raises_its_error(data, start):
    for parse in (
        lambda: parse_command(start + data, LIMITS),
        lambda: parse_mail(start + data),
        lambda: parse_rcpt(start + data),
    ):
        try:
            parse()
        except SmtpError as error:
            assert error.reply[:1] == "5"  # noqa: PT017
