"""What holds for every transformation: no trigger, no change; never fails; linear time."""

from __future__ import annotations

import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st
from manual import told

from revproxy.detection.transformations import TRANSFORMATIONS, TRIGGERS

PIECES = [
    *(b"/* */ <!-- --> -- # &# &#x &amp; &lt &nbsp ; %u %uff1c %41 % + \\ \\x41 \\u0041 \\ff1c \\123".split()),
    *(b"0x41 0X QUJD= == ( ' \" ^ , A z 9 \xc3\xa4 \xe2\x82\xac \xed\xa0\x80 \xc2\xa0 \xff \xf5".split()),
    *(b"..", b".", b"/", b"//", b"\0", b" ", b"  ", b"\t", b"\n", b"\r\n", b"\v", b"\xa0"),
]
VALUES = st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
HOSTILE = [
    b"&",
    b"&#",
    b"&#9",
    b"&#x",
    b"&lt",
    b"%",
    b"%u",
    b"%41",
    b"\\",
    b"\\u00",
    b"\\0",
    b"/*",
    b"*/",
    b"<!--",
    b"--",
]
HOSTILE += [
    b"../",
    b"/",
    b"./",
    b"a../",
    b" ",
    b" (",
    b"\0",
    b"=",
    b"A",
    b" \n",
    b"0x4",
    b"0x41",
    b"\xe2\x82",
    b"\xf0",
    b"1",
    b"#",
]


def _trigger(text: str) -> object:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    return re2.compile(text.encode(), options)


COMPILED = {name: _trigger(text) for name, text in TRIGGERS.items() if text}


def test_every_transformation_has_a_trigger() -> None:
    assert TRIGGERS.keys() == TRANSFORMATIONS.keys()


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_a_value_without_a_trigger_is_unchanged(value: bytes) -> None:
    for name, function in TRANSFORMATIONS.items():
        changed = function(value) != value
        if TRIGGERS[name] == "":
            assert not changed
        elif changed and name in COMPILED:
            assert COMPILED[name].search(value) is not None, (name, function(value))


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_time_is_linear(piece: bytes) -> None:
    value = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    for name, function in TRANSFORMATIONS.items():
        before = time.process_time()
        function(value)
        assert time.process_time() - before < 1.5, name


def test_the_manual_names_them_all() -> None:
    assert {name for name, row in told("Transformations").items() if row.fate == "yes"} == TRANSFORMATIONS.keys()
