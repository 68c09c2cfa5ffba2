"""References in texts."""

import pytest

from revproxy.detection.seclang.macros import macro, unknown_variable, variable_name
from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import Reference, Text
from revproxy.errors import Location

START = Location("f", 3, 11)


def read(value, logged=False):
    log = Log()
    found = macro(Text(value, START), log, logged)
    parts = [
        (part.variable, part.key, part.where.column) if isinstance(part, Reference) else part for part in found.parts
    ]
    return parts, log, found


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (b"", []),
        (b"a %b {c}", [b"a %b {c}"]),
        (b"%{tx.A_b}", [("TX", b"A_b", 11)]),
        (b"a%{MATCHED_VAR}b", [b"a", ("MATCHED_VAR", None, 12), b"b"]),
        (b"%{tx.0}%{ARGS:a.b}", [("TX", b"0", 11), ("ARGS", b"a.b", 18)]),
        (b"%{ tx.a}", [("TX", b"a", 11)]),
        (rb"a\%{tx.a}", [rb"a\%{tx.a}"]),
        (rb"a\\%{tx.a}", [rb"a\\", ("TX", b"a", 14)]),
        (b"%{rule.id}", [("RULE", b"id", 11)]),
        (b"%{multipart_semicolon_missing}", [("MULTIPART_MISSING_SEMICOLON", None, 11)]),
        (b"%{ip.a}", [("IP", b"a", 11)]),
        (b"100%", [b"100%"]),
    ],
)
def test_parts(value, parts):
    found, log, whole = read(value)
    assert found == parts
    assert not log.errors
    assert whole.fixed == all(isinstance(part, bytes) for part in parts)
    assert whole.text.value == value


@pytest.mark.parametrize(
    ("value", "says", "column"),
    [
        (b"%{tx.a", "this is none", 11),
        (b"a%{}", "this is none", 12),
        (b"a%{%{tx.a}}", "this is none", 12),
        (b"a%{foo}", "unknown variable `foo`", 14),
        (b"%{REQUEST_METHOD.a}", "REQUEST_METHOD has no keys", 27),
        (b"%{geo.country}", "there is no GEO here", 13),
    ],
)
def test_wrong(value, says, column):
    _, log, _ = read(value)
    assert says in log.errors[0].message
    assert log.errors[0].where == Location("f", 3, column)


def test_what_is_only_logged_may_be_empty():
    found, log, _ = read(b"%{REMOTE_HOST}", logged=True)
    assert found == [("REMOTE_HOST", None, 11)]
    assert not log.errors
    assert "REMOTE_HOST is empty" in log.notices[0].message


def test_names():
    assert variable_name("args") == "ARGS"
    assert variable_name("request_xml") == "XML"
    assert unknown_variable("arg") == ("unknown variable `arg`", "did you mean `ARGS`?")


def test_what_never_holds_anything_is_noted():
    found, log, _ = read(b"%{URI_PARSE_ERROR}")
    assert found == [("URI_PARSE_ERROR", None, 11)]
    assert not log.errors
    assert "is always 0 here" in log.notices[0].message
