"""Logical lines, and the place of every byte of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.seclang.source import ERRORS, LINE_BYTES, SHOWN_BYTES, Log, Source, logical_lines, near, shown
from revproxy.errors import Location, ManyErrors, RuleError


def lines_of(text):
    """The logical lines of a text, and the log with what was wrong."""
    log = Log()
    source = log.sources["f"] = Source(text, "f")
    return list(logical_lines(source, log)), log


def places(line):
    return [(line.at(i).line, line.at(i).column) for i in range(len(line.text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"\n \n\t\r\n", []),
        (b"# a\n  # b\r\n", []),
        (b"a b\n c\n", ["a b", " c"]),
        (b"a \\\n  b\\\n\tc\nd", ["a bc", "d"]),
        (b"a \\\r\n  b\r\nc\r\n", ["a b", "c"]),
        (b"a \\\n\nb", ["a ", "b"]),
        (b"a \\", ["a "]),
        (b"\\\n\\\n \\", []),
        (b"a \\\\\nb", ["a \\\\", "b"]),
        (b"a \\\\\\\nb", ["a \\\\b"]),
        (b"\xef\xbb\xbfa", ["a"]),
        (b"a \xc3\xa9\x85\x0b\x1cb\n", ["a \xc3\xa9\x85\x0b\x1cb"]),
        (b"#a \\\n# b\\\n\nc", ["c"]),
    ],
)
def test_logical_lines(text, found):
    lines, log = lines_of(text)
    assert [line.text for line in lines] == found
    assert not log.errors


def test_places_go_on_in_the_next_row():
    [line], _ = lines_of(b"\n ab\\\n   cd\\\n\te\n")
    assert line.text == " abcde"
    assert places(line) == [(2, 1), (2, 2), (2, 3), (3, 4), (3, 5), (4, 2)]
    assert line.at(len(line.text)) == Location("f", 4, 3)


@pytest.mark.parametrize(
    ("text", "says", "at"),
    [
        (b"a \\\n # b\nc", "a comment inside", "2:2"),
        (b"a \\ \n b", "blanks after the backslash", "1:3"),
        (b"# a \\\nb", "a comment does not go on", "1:5"),
        (b"a\n b\0c", "a NUL byte", "2:3"),
        (b"SecDataset a `\nb", "the list has no end", "1:14"),
        (b"a" * (LINE_BYTES + 1), "longer than", "1:1"),
    ],
)
def test_what_is_read_differently_elsewhere_is_refused(text, says, at):
    _, log = lines_of(text)
    [error] = log.errors
    assert says in error.message
    assert f"{error.where.line}:{error.where.column}" == at


def test_columns_count_characters():
    source = Source("é a\nb".encode(), "f")
    assert [source.location(0, i).column for i in range(5)] == [1, 1, 2, 3, 4]
    assert source.shown(1) == "é a"
    assert source.shown(3) == source.shown(0) == ""


def test_columns_of_other_encodings_count_bytes():
    source = Source(b"\xe9\xe9 a", "f")
    assert source.location(0, 3).column == 4
    assert source.shown(1) == "éé a"


def test_endless_lines_are_not_shown():
    assert Source(b"a" * SHOWN_BYTES, "f").shown(1)
    assert not Source(b"a" * (SHOWN_BYTES + 1), "f").shown(1)


def test_datasets_keep_their_lines():
    [line], log = lines_of(b"SecDataset a `\n  b c\n# no\n\nd \n`\n")
    assert [(e.value, str(e.where)) for e in line.block] == [(b"b c", "f:2:3"), (b"d", "f:5:1")]
    assert not log.errors


def test_cut_drops_backslashes_and_knows_where():
    [line], _ = lines_of(rb"\"a\"b\\\"c\x")
    text = line.cut(0, len(line.text), '"')
    assert text.value == rb'"a"b\\"c\x'
    assert [text.at(i).column for i in range(len(text.value))] == [2, 3, 5, 6, 7, 8, 10, 11, 12, 13]
    assert line.cut(0, len(line.text)).value == rb"\"a\"b\\\"c\x"


PIECES = st.lists(
    st.sampled_from(
        ["a", "bc", " ", "\\\\", '\\"', "\\'", "\\x", "\\\n", "\\\n  ", "\\\r\n\t", "é", "\xff", "%{", "'"]
    )
)


@given(PIECES, st.sampled_from(["", '"', "'\""]), st.data())
def test_every_byte_is_where_it_says(pieces, unescaped, data):
    """The byte at each offset of a text stands at its place in the file, after any number of cuts."""
    raw = ("x" + "".join(pieces) + "y").encode("latin-1" if "\xff" in pieces else "utf-8")
    [line, *_], log = lines_of(raw)
    text = line.cut(0, len(line.text), unescaped)
    first = data.draw(st.integers(0, len(text.value)))
    text = text.cut(first, data.draw(st.integers(first, len(text.value))))
    for offset, byte in enumerate(text.value):
        place = text.at(offset)
        if byte < 0x80:
            assert log.sources["f"].shown(place.line)[place.column - 1] == chr(byte)


def test_the_log_stops_at_many_errors():
    log = Log()
    for _ in range(ERRORS + 5):
        log.wrong(Location("f", 1, 1), "no")
    assert log.full
    with pytest.raises(ManyErrors) as caught:
        log.check()
    assert len(caught.value.errors) == ERRORS


def test_one_error_is_raised_as_it_is():
    log = Log()
    log.check()
    log.wrong(Location("f"), "no")
    with pytest.raises(RuleError, match="no"):
        log.check()


def test_hints():
    known = {"secrule": "SecRule", "secaction": "SecAction"}
    assert near("SecRul", known) == "did you mean `SecRule`?"
    assert near("xyz", known) == ""
    assert near("SecRule" * 100, known) == ""


def test_words_are_shown_as_text():
    assert shown("é".encode()) == "é"
    assert shown(b"\xe9") == "é"
    assert shown("a" * 100) == "a" * 48 + "..."
