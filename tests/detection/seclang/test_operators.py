"""The second argument of SecRule."""

import pytest

from revproxy.detection.seclang.arguments import split
from revproxy.detection.seclang.operators import operator
from revproxy.detection.seclang.source import Log, Source, logical_lines


def read(text):
    log = Log()
    source = log.sources["f"] = Source(f"SecRule ARGS {text}".encode(), "f")
    [line] = logical_lines(source, log)
    return operator(split(line, log)[2], log), log


@pytest.mark.parametrize(
    ("text", "name", "negated", "argument", "column"),
    [
        ("attack", "rx", False, "attack", 14),
        ('"a b"', "rx", False, "a b", 15),
        ('" a "', "rx", False, " a ", 15),
        ('"!a"', "rx", True, "a", 16),
        ('"! a"', "rx", True, " a", 16),
        ('"@rx a"', "rx", False, "a", 19),
        ('"@RX  a "', "rx", False, " a ", 19),
        ('"!@STREQ a"', "streq", True, "a", 23),
        ('"! @streq a"', "streq", True, "a", 24),
        ('"@rx a\\"b\\\\"', "rx", False, 'a"b\\\\', 19),
        ('"@rx\ta"', "rx", False, "a", 19),
        ("@detectSQLi", "detectSQLi", False, "", 25),
        ('"@detectXSS "', "detectXSS", False, "", 26),
        ('"@noMatch a"', "noMatch", False, "a", 24),
        ('"@pmf a.data"', "pmFromFile", False, "a.data", 20),
        ('"@ipMatchF a.data"', "ipMatchFromFile", False, "a.data", 25),
        ("'@rx a'", "rx", False, "a", 19),
        ('"@rx é"', "rx", False, "é", 19),
    ],
)
def test_operator(text, name, negated, argument, column):
    found, log = read(text)
    assert not log.errors
    assert (found.name, found.negated) == (name, negated)
    assert found.argument.text.value == argument.encode()
    assert found.argument.text.where.column == column


def test_references():
    found, _ = read('"@within a %{tx.b}"')
    assert not found.argument.fixed
    assert found.argument.parts[0] == b"a "


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ('""', "@rx needs an argument", 15),
        ('"!"', "@rx needs an argument", 16),
        ('"@rx"', "@rx needs an argument", 18),
        ('"@pm "', "@pm needs an argument", 19),
        ('"@bginsWith a"', "unknown operator `@bginsWith`", 16),
        ('"!@foo a"', "unknown operator `@foo`", 17),
        ('"@foo@bar a"', "`@` begins the name", 15),
        ('"@ a"', "unknown operator `@`", 16),
        ('"@rbl a"', "@rbl is refused", 15),
        ('"!@inspectFile a"', "@inspectFile is refused", 16),
    ],
)
def test_wrong(text, says, column):
    found, log = read(text)
    assert found is None
    [error] = log.errors
    assert says in error.message
    assert error.where.column == column
