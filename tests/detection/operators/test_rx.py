from __future__ import annotations

import time

import pytest
from generated import ended, values
from hypothesis import HealthCheck, example, given, settings

from revproxy.detection.operators import ArgumentError
from revproxy.detection.operators.rx import rx, rx_global
from revproxy.detection.patterns import Node, min_length, parse, strict
from revproxy.detection.patterns.tree import Alt, Cat, Group, Repeat

LINES = [
    # pattern, value, whether it matches: `^` is not behind a newline that ends the value, `$` is in front of any
    (r"^$", b"a\n", False),
    (r"^$", b"a\n\n", True),
    (r"^$", b"\n", True),
    (r"^0?$", b"x\n", False),
    (r"^0?$", b"x\n0\n", True),
    (r"^\s*$", b"x\n", False),
    (r"^\s*$", b"x\n \n", True),
    (r"x|^$", b"a\n", False),
    (r"(?m)^\z", b"a\n", False),
    (r"\n^", b"a\n", False),
    (r"\n^", b"a\nb", True),
    (r"(?:^a?){2}$", b"b\n", False),
    (r"a$", b"a\n", True),
    (r"a$", b"a\r\n", False),
    (r"a\r$", b"a\r\nb", True),
    (r"^b", b"a\rb", False),
    (r"^b", b"a\nb", True),
    (r"(?sm)^b.c$", b"a\nb\nc\nd", True),
    (r"(?-s)a.b", b"a\nb", False),
    (r"(?-m)^$", b"a\n", False),
    (r"(?-m)a$", b"a\n", True),
    (r"(?-m)^b", b"a\nb", False),
    (r"\Aa\Z", b"a\n", True),
    (r"a\z", b"a\n", False),
    (r"^\Z", b"a\n", False),
    (r"^\Z", b"a\n\n", True),
    (r"^\s*\Z", b"a\n", False),
    (r"(?-m:$)|^$", b"a\n", True),
]


@pytest.mark.parametrize(("text", "value", "want"), LINES)
def test_lines_begin_and_end_as_in_the_reference(text: str, value: bytes, want: bool) -> None:
    reference = pytest.importorskip("reference")
    assert rx(text)(value) is want
    assert (reference.operator("rx", text)(value) is not None) is want


def _loops_over_nothing(node: Node) -> bool:
    """PCRE ends a loop with the first round of nothing, google-re2 goes on: `(\\W*|1)*` takes `.` of `.1`, or all."""
    match node:
        case Repeat(item):
            return min_length(item) == 0 or _loops_over_nothing(item)
        case Group(item):
            return _loops_over_nothing(item)
        case Cat(items) | Alt(items):
            return any(map(_loops_over_nothing, items))
        case _:
            return False


@settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(ended, values)
@example(r"(\W*|1)*", b".1")
def test_it_means_what_the_reference_means_by_it(text: str, value: bytes) -> None:
    reference = pytest.importorskip("reference")
    ours = rx(text)
    want = reference.operator("rx", f"(?:{text})")(value)
    assert ours(value) is (want is not None)
    if want is not None and strict(parse(text)) is None and not _loops_over_nothing(parse(text)):
        # Of a group in a loop only the first round is PCRE's for certain; the match itself always is.
        captured = ours.groups(value)[0]
        assert captured == want[0] or (captured == (want[0] or b"") + b"\n" and text.endswith(("Z", "$)")))


@pytest.mark.parametrize("text", [r"(a+)+$x", r"(?:a|aa)+b", r"(.*)*x", r"\s+\s+\s+y", r"(?:^a?)*$"])
def test_time_is_linear_in_the_value(text: str) -> None:
    value = (b"a" if "a" in text else b" ") * 200_000 + b"\n"
    for operator in (rx(text), rx_global(text)):
        before = time.process_time()
        operator(value)
        operator.groups(value)
        assert time.process_time() - before < 1.0


def test_at_most_nine_groups() -> None:
    assert len(rx("(a)" * 12).groups(b"a" * 12)) == 10
    assert len(rx_global("(a)").groups(b"a" * 12)) == 10


def test_a_group_that_took_no_part_captures_nothing() -> None:
    assert rx("(a)|(b)|()").groups(b"b") == (b"b", None, b"b", None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(.)(.)", b"abcd"),
        ("(a)|(b)", b"ab"),
        ("(a)|(b)", b"ba"),
        ("(?:(a)|b|(c))", b"acb"),
        ("a*", b"baac"),
        ("([a-z])([0-9])?", b"a1bc2"),
        ("(x)?(y)?z", b"xzyzz"),
        (r"^a", b"aaa"),
        (r"\ba", b"aa a"),
        ("(?:(a)|(b))(?:(c)|(d))", b"adbcacbd"),
    ],
)
def test_all_matches_are_numbered_as_in_the_reference(text: str, value: bytes) -> None:
    reference = pytest.importorskip("reference")
    assert rx_global(text).groups(value) == reference.operator("rxGlobal", text)(value)


@pytest.mark.parametrize("factory", [rx, rx_global])
def test_what_needs_backtracking_is_refused_with_its_place(factory: type[rx]) -> None:
    with pytest.raises(ArgumentError, match="look-ahead") as caught:
        factory("ab(?=c)")
    assert caught.value.offset == 2
