"""Texts that know their places."""

from revproxy.detection.seclang.tree import Macro, Notice, Reference, Text
from revproxy.errors import Location


def place(line, column):
    return Location("f", line, column)


BROKEN = Text(b"abcdef", place(1, 5), ((2, place(2, 3)), (4, place(2, 6))))


def columns(text):
    return [(text.at(i).line, text.at(i).column) for i in range(len(text.value))]


def test_at():
    assert columns(Text(b"abc", place(1, 5))) == [(1, 5), (1, 6), (1, 7)]
    assert columns(BROKEN) == [(1, 5), (1, 6), (2, 3), (2, 4), (2, 6), (2, 7)]


def test_cut_keeps_places():
    for start in range(6):
        for end in range(start, 7):
            assert columns(BROKEN.cut(start, end)) == columns(BROKEN)[start:end]


def test_strip():
    text = Text(b" \ta b ", place(1, 1))
    assert text.strip() == Text(b"a b", place(1, 3))
    assert text.strip().strip() == text.strip()
    assert Text(b"  ", place(1, 1)).strip().value == b""


def test_macro():
    text = Text(b"a", place(1, 1))
    assert Macro(text, (b"a",)).fixed
    assert not Macro(text, (b"a", Reference("TX", b"b", place(1, 2)))).fixed


def test_notice():
    assert str(Notice("SecTmpDir has no effect", place(3, 1))) == "f:3:1: notice: SecTmpDir has no effect"
