"""Words and quotes of a line."""

import pytest

from revproxy.detection.seclang.arguments import name, split
from revproxy.detection.seclang.source import Log, Source, logical_lines


def read(text):
    log = Log()
    source = log.sources["f"] = Source(text.encode(), "f")
    [line] = logical_lines(source, log)
    return line, log


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sec a b", ["Sec", "a", "b"]),
        ('\tSec\t"a b"  c ', ["Sec", "a b", "c"]),
        (r'Sec "a\"b" "a\\" ""', ["Sec", 'a"b', r"a\\", ""]),
        (r"Sec 'a\'b' 'a\"b' '\\'", ["Sec", "a'b", r"a\"b", r"\\"]),
        ("Sec a\"b c'd", ["Sec", 'a"b', "c'd"]),
        ('Sec "a \\\n   b"', ["Sec", "a b"]),
    ],
)
def test_split(text, found):
    line, log = read(text)
    assert [argument.text.value.decode() for argument in split(line, log)] == found
    assert not log.errors


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ('Sec "a', 'the quote " is not closed', 5),
        ("Sec 'a\\'", "the quote ' is not closed", 5),
        ('Sec "a\\\\\\"', 'the quote " is not closed', 5),
        ('Sec "a"b', "a blank is missing", 8),
    ],
)
def test_wrong_quotes(text, says, column):
    line, log = read(text)
    assert split(line, log) is None
    [error] = log.errors
    assert says in error.message
    assert error.where.column == column


def test_offsets_are_those_of_the_line():
    line, log = read('Sec  "a b"')
    argument = split(line, log)[1]
    assert (argument.start, argument.end, argument.quote, argument.raw) == (6, 9, '"', "a b")
    assert argument.text.where.column == 7


def test_the_name_is_the_first_word():
    assert name(read('  "Sec a" b')[0]) == '"Sec'
