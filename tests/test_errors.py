"""One tree of errors; those of a person's files show the place."""

from __future__ import annotations

import inspect
import pickle

import pytest

from revproxy import errors
from revproxy.errors import (
    ConfigError,
    HttpError,
    LimitError,
    LocatedError,
    Location,
    ManyErrors,
    RevproxyError,
    RuleError,
    SupplyError,
    together,
)

PLACES = [
    (Location("a.yaml"), "a.yaml"),
    (Location("a.yaml", 3), "a.yaml:3"),
    (Location("a.yaml", 3, 7), "a.yaml:3:7"),
]


@pytest.mark.parametrize(("where", "text"), PLACES)
def test_places(where: Location, text: str) -> None:
    assert str(where) == text


TEXTS = [
    (ConfigError("wrong", Location("f")), "f: wrong"),
    (ConfigError("wrong", Location("f", 2), "a: b\n"), "f:2: wrong\n  a: b"),
    (ConfigError("wrong", Location("f", 2, 4), "a: b\n"), "f:2:4: wrong\n  a: b\n     ^"),
    (RuleError("wrong", Location("f", 2, 3), "\t\tb"), "f:2:3: wrong\n  \t\tb\n  \t\t^"),
    (RuleError("wrong", Location("f", 2, 1), "b", "write c"), "f:2:1: wrong\n  b\n  ^\n  hint: write c"),
    (RuleError("wrong", Location("f"), "b", "write c"), "f: wrong\n  hint: write c"),
]


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_texts(error: LocatedError, text: str) -> None:
    assert str(error) == text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.where) == (text, error.where)


@pytest.mark.parametrize(
    ("column", "begin", "end"),
    [
        (1, 0, 160),
        (60, 0, 160),
        (81, 0, 160),
        (82, 1, 161),
        (2500, 2419, 2579),
        (4990, 4840, 5000),
        (5001, 4840, 5000),
    ],
)
def test_of_a_long_line_what_is_around_the_caret(column: int, begin: int, end: int) -> None:
    line = "".join(chr(ord("a") + n % 26) for n in range(5000))
    _, shown, caret = str(ConfigError("wrong", Location("f", 1, column), line)).split("\n")
    before, behind = "..." if begin else "", "..." if end < 5000 else ""
    assert shown == f"  {before}{line[begin:end]}{behind}"
    assert shown[len(caret) - 1 :][:1] == line[column - 1 :][:1]


def test_of_a_long_line_its_beginning_where_there_is_no_column() -> None:
    assert str(ConfigError("wrong", Location("f", 1), "x" * 161)) == f"f:1: wrong\n  {'x' * 160}..."


def test_many() -> None:
    found = [ConfigError("one", Location("f", 1)), RuleError("two", Location("g", 2))]
    many = ManyErrors(found)
    assert str(many) == "f:1: one\ng:2: two"
    assert [str(error) for error in pickle.loads(pickle.dumps(many)).errors] == ["f:1: one", "g:2: two"]


def test_all_are_of_one_tree() -> None:
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(found) > 10
    assert all(issubclass(kind, RevproxyError) for kind in found)


def test_what_they_carry() -> None:
    assert (HttpError(431, "head-fields").status, HttpError(431, "head-fields").reason) == (431, "head-fields")
    limit = LimitError("body_bytes", 10)
    assert (limit.limit, limit.most, str(limit)) == ("body_bytes", 10, "body_bytes is over 10")


def test_one_error_is_raised_itself_several_together() -> None:
    one, two = (RuleError(word, Location("f", 1)) for word in ("one", "two"))
    assert together([one]) is one
    both = together([one, two])
    assert isinstance(both, ManyErrors)
    assert both.errors == (one, two)


def test_an_update_tells_its_step() -> None:
    error = pickle.loads(pickle.dumps(SupplyError("unpack", "a link")))
    assert (str(error), error.step, error.reason) == ("unpack: a link", "unpack", "a link")
