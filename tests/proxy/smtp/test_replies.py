"""Our replies, and what is let through of those of the inside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import UpstreamError
from revproxy.protocols.smtp import Reply, ReplyReader
from revproxy.protocols.smtp.reply import write_reply
from revproxy.proxy.smtp import replies


def test_table():
    ours = [v for k, v in vars(replies).items() if k.isupper() and not k.startswith("_") and isinstance(v, str)]
    assert len(ours) > 25
    for reply in [*ours, replies.denied("x1"), replies.deferred("x1")]:
        write_reply(reply)
        assert re.match(r"(?:354 |([245])\d\d \1\.\d\.\d )\S", reply)


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (Reply(250, b"2.0.0", (b"Ok: queued as 4F7A2",)), "250 2.0.0 Ok queued as 4F7A2"),
        (Reply(250, b"", (b"xyzzy",)), "250 2.0.0 Ok"),
        (Reply(550, b"5.1.1", (b"<u@store7.inside.example>: User unknown in local recipient table",)),
         "550 5.1.1 User unknown in local recipient table"),
        (Reply(554, b"5.7.1", (b"host store7.inside.example[10.1.2.3] said: denied",)), "554 5.7.1 host denied"),
        (Reply(450, b"", (b"", b"Greylisted, see http://inside.example/")), "450 4.0.0 Greylisted see"),
        (Reply(421, b"4.3.2", (b"bye",)), replies.INSIDE_LOST),
        (Reply(354, b"", (b"go",)), replies.INSIDE_LOST),
        (Reply(259, b"", (b"Ok",)), "250 2.0.0 Ok"),
        (Reply(251, b"2.1.5", (b"will forward to <x@y>",)), "251 2.1.5 will"),
    ],
)  # fmt: skip
def test_relayed(reply, shown):
    assert replies.relayed(reply) == shown


@given(st.integers(200, 599), st.binary(max_size=80))
def test_nothing_of_the_inside_gets_out_but_known_words(code, text):
    try:
        (reply,) = ReplyReader().feed(b"%d %b\r\n" % (code, text))
    except (UpstreamError, ValueError):
        return
    shown = replies.relayed(reply)
    write_reply(shown)
    words = shown.split(" ", 2)[2].replace(",", "").lower().encode().split()
    known = [word in replies._WORDS or word in (b"refused", b"lost") or word.isdigit() for word in words]
    named = [before in (b"as", b"id") and word.isalnum() for before, word in zip([b"", *words], words, strict=False)]
    assert all(a or b for a, b in zip(known, named, strict=True))
