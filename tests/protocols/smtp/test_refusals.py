"""The table of refusals: every reply can be sent, is a refusal, and carries an enhanced code of its class."""

from __future__ import annotations

import re

from revproxy.protocols.smtp import refusals
from revproxy.protocols.smtp.reply import write_reply

ROWS = [value for value in vars(refusals).values() if isinstance(value, tuple) and len(value) == 2]


def test_rows():
    assert len(ROWS) > 10
    for reply, reason in ROWS:
        write_reply(reply)
        assert re.match(r"5\d\d 5\.\d\.\d \S", reply)
        assert re.fullmatch(r"[a-z0-9-]+", reason)
    assert len({reason for _, reason in ROWS}) == len(ROWS)


def test_refuse():
    error = refusals.refuse(refusals.TOO_BIG)
    assert (error.reply, error.reason) == refusals.TOO_BIG
