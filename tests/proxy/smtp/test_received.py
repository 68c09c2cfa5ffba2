"""The Received field."""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.proxy.smtp.received import Hop, date, received, with_protocol

HOP = Hop(b"client.example", "192.0.2.1", "mx.example", True, False, False, "abc1")


def test_field():
    assert received(HOP, 0.0) == (
        b"Received: from client.example ([192.0.2.1])\r\n"
        b"\tby mx.example with ESMTP id abc1;\r\n"
        b"\tThu, 1 Jan 1970 00:00:00 +0000\r\n"
    )
    assert b"([IPv6:2001:db8::1])" in received(replace(HOP, address="2001:db8::1"), 0.0)


@pytest.mark.parametrize(
    ("extended", "tls", "utf8", "name"),
    [
        (False, False, False, "SMTP"),
        (True, False, False, "ESMTP"),
        (True, True, False, "ESMTPS"),
        (True, False, True, "UTF8SMTP"),
        (True, True, True, "UTF8SMTPS"),
    ],
)
def test_protocol(extended, tls, utf8, name):
    assert with_protocol(replace(HOP, extended=extended, tls=tls, utf8=utf8)) == name


@given(st.integers(0, 4_000_000_000))
def test_dates_read_back(now):
    assert parsedate_to_datetime(date(now)).timestamp() == now
