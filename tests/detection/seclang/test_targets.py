"""Lists of variables."""

import pytest

from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.targets import variables
from revproxy.detection.seclang.tree import Text
from revproxy.errors import Location


def read(value):
    log = Log()
    found = variables(Text(value.encode(), Location("f", 1, 1)), log)
    return found, log


def short(variable):
    """One line for a variable."""
    sign = "!" * variable.exclude + "&" * variable.count
    key = f":{variable.key.decode()}" if variable.key is not None else ""
    pattern = f":/{variable.pattern.value.decode()}/@{variable.pattern.where.column}" if variable.pattern else ""
    return f"{sign}{variable.name}{key}{pattern}@{variable.where.column}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ARGS", ["ARGS@1"]),
        ("args|Request_Headers", ["ARGS@1", "REQUEST_HEADERS@6"]),
        ("ARGS,TX:a", ["ARGS@1", "TX:a@6"]),
        ("ARGS|!ARGS:a|&TX:b", ["ARGS@1", "!ARGS:a@6", "&TX:b@14"]),
        ("ARGS:a.b:c=d-e", ["ARGS:a.b:c=d-e@1"]),
        ("ARGS.a", ["ARGS:a@1"]),
        ("ARGS:'a|b,c d'|TX:e", ["ARGS:a|b,c d@1", "TX:e@16"]),
        ("ARGS:'/a'", ["ARGS:/a@1"]),
        ("ARGS:/a/", ["ARGS:/a/@7@1"]),
        ("ARGS:/a|b/|TX:c", ["ARGS:/a|b/@7@1", "TX:c@12"]),
        (r"ARGS:/a\/b/,TX:c", [r"ARGS:/a\/b/@7@1", "TX:c@13"]),
        ("ARGS:/a/b/", ["ARGS:/a/b/@7@1"]),
        ("!REQUEST_COOKIES:/^_ga(?:_\\w+)?$/", ["!REQUEST_COOKIES:/^_ga(?:_\\w+)?$/@19@1"]),
        ("ARGS:'/a, |b/'|TX:c", ["ARGS:/a, |b/@8@1", "TX:c@16"]),
        (r"ARGS:'/a\'b/'", [r"ARGS:/a\'b/@8@1"]),
        ("XML:/*|XML://@*", ["XML:/*@1", "XML://@*@8"]),
        ("XML:/a/b[1]/", ["XML:/a/b[1]/@1"]),
        ("request_xml:'/a'", ["XML:/a@1"]),
        ("ARGS | TX:a ", ["ARGS@1", "TX:a@8"]),
        ("TX:/^foo|ip.a/", ["TX:/^foo|ip.a/@5@1"]),
    ],
)
def test_list(text, found):
    variables_found, log = read(text)
    assert not log.errors
    assert [short(variable) for variable in variables_found] == found


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ("", "a variable is missing", 1),
        ("ARGS|", "a variable is missing", 6),
        ("ARGS||TX", "a variable is missing", 6),
        ("!", "a variable is missing", 2),
        ("!&ARGS", "at most one of", 1),
        ("ARG", "unknown variable `ARG`", 1),
        ("ARGS|&ARG:a|TX", "unknown variable `ARG`", 7),
        ("GEO:a", "there is no GEO here", 1),
        ("ARGS:", "no key after the colon", 6),
        ("ARGS:|TX", "no key after the colon", 6),
        ("ARGS:''", "no key after the colon", 7),
        ("ARGS:%{tx.a}", "a key is fixed", 6),
        ("REQUEST_METHOD:a", "REQUEST_METHOD has no keys", 15),
        ("XML", "XML needs a path", 1),
        ("ARGS:/a", "no closing slash", 6),
        (r"ARGS:/a\/", "no closing slash", 6),
        ("ARGS:/a|ARGS:b/", "this may go on", 8),
        ("ARGS://", "an empty pattern", 7),
        ("ARGS:'//'", "an empty pattern", 8),
        ("ARGS:'a|TX", "is not closed", 6),
        ("ARGS:a TX", "is missing here", 8),
    ],
)
def test_wrong(text, says, column):
    _, log = read(text)
    assert says in log.errors[0].message
    assert log.errors[0].where.column == column


def test_reading_goes_on_after_an_error():
    found, log = read("FOO:a|ARGS|BAR|REQUEST_METHOD:x,TX:b")
    assert [short(variable) for variable in found] == ["ARGS@7", "TX:b@33"]
    assert [error.where.column for error in log.errors] == [1, 12, 30]


def test_what_never_holds_anything_is_noted():
    found, log = read("URI_PARSE_ERROR|ARGS")
    assert [variable.name for variable in found] == ["URI_PARSE_ERROR", "ARGS"]
    assert "is always 0 here" in log.notices[0].message
    assert log.notices[0].where.column == 1
