"""Keys and paths: as narrow as the denials allow, and not widened by whoever adds to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from revproxy.app.proposing import Demands, Denial
from revproxy.app.proposing.evidence import Weighing
from revproxy.app.proposing.narrowing import Spot, field_of, nameable, pattern_of, segments_of, spots
from revproxy.detection.operators.rx import rx

from .conftest import HOUR, Make

ATTACKER = "203.0.113.66"


def narrowed(denials: list[Denial], bases: dict[str, str] | None = None) -> tuple[list[Spot], Counter[str]]:
    return spots(denials, Weighing(denials, Demands(5, 3, HOUR)), bases or {"shop": "/"})


def places(denials: list[Denial], base: str = "/") -> dict[str, int]:
    return {one.path: len(one.denials) for one in narrowed(denials, {"shop": base})[0]}


def selectors(denials: list[Denial]) -> dict[str, int]:
    return {one.selector: len(one.denials) for one in narrowed(denials)[0]}


def test_rule_route_field_and_protocol_are_kept_apart(denials: Make) -> None:
    changes = ({}, {"rule": "two"}, {"route": "blog"}, {"key": "r"}, {"field": "cookies"}, {"protocol": "smtp"})
    found, left = narrowed([one for change in changes for one in denials(5, **change)], {})
    assert len({(s.protocol, s.route, s.rule, s.selector, s.path) for s in found}) == len(changes)
    assert not left


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("args", "args"),
        ("args.plain", "args"),
        ("args.names", "args.names"),
        ("args.plain.names", "args.names"),
        ("path.decoded", "path"),
        ("archive.names", "archive.names"),
        ("multipart.names", "multipart.names"),
        ("tx", ""),
        ("", ""),
        ("matched", ""),
    ],
)
def test_names_of_fields(field: str, name: str) -> None:
    assert field_of(field) == name


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("q", True),
        ("json.items.0.name", True),
        ("a b", True),
        ("", False),
        (" a", False),
        ("/x/", False),
        ("a\\x00", False),
        ("[redacted]", False),
        ("ä", False),
        ("x" * 125, False),
    ],
)
def test_keys_that_can_be_named(key: str, named: bool) -> None:
    assert nameable(key) is named


def test_what_cannot_be_named_is_counted(denials: Make) -> None:
    some = [*denials(2, key=""), *denials(3, field="tx"), *denials(4, field="tx", rule="949110", reason="949110")]
    found, left = narrowed([*some, *denials(5, field="path", key="")])
    assert [(one.selector, len(one.denials)) for one in found] == [("", 3), ("path", 5)]
    assert left == {"the field's key cannot be told from the record": 2}


@pytest.mark.parametrize(
    ("shape", "key", "other"),
    [
        ("item0", "item12", "item"),
        ("a[0][b.c]", "a[3][b.c]", "a[3][bxc]"),
        ("0", "7", "x7"),
        ("a^0\\$", "a^1\\$", "a1"),
    ],
)
def test_patterns(shape: str, key: str, other: str) -> None:
    pattern = rx(pattern_of(shape)[1:-1])
    assert pattern.test(key.encode())
    assert not pattern.test(other.encode())


def test_keys_that_differ_in_digits_only(denials: Make) -> None:
    two = [*denials(5, key="Item1"), *denials(5, key="item2")]
    assert selectors(two) == {"args:item1": 5, "args:item2": 5}
    assert selectors([*two, *denials(5, key="item30")]) == {"args:/^item[0-9]+$/": 15}
    assert selectors([*two, *denials(5, key="things3")]) == {"args:item1": 5, "args:item2": 5, "args:things3": 5}


def test_nobody_makes_a_pattern_of_a_key_by_adding_others(denials: Make) -> None:
    added = [one for n in range(2, 7) for one in denials(50, key=f"item{n}", client=ATTACKER)]
    got = selectors([*denials(9, key="item1"), *added])
    assert got == {"args:item1": 9, "args:/^item[0-9]+$/": 250}


@pytest.mark.parametrize(
    ("target", "segments"),
    [
        ("/a/b?c=/d", ("a", "b")),
        ("/", ()),
        ("/.well-known/x", (".well-known", "x")),
        ("/a/caf%C3%A9/b", ("a",)),
        ("/reset/[redacted]/x", ("reset",)),
        ("/a/../b", None),
        ("/a/%2e%2e/b", None),
        ("/a//b", ("a",)),
        ("/a/%2fb", ("a",)),
        ("/a\\..\\..\\b", ()),
        ("*", ()),
        ("/" + "a/" * 400, ("a",) * 12),
        ("/" + "a" * 511, ()),
    ],
)
def test_segments(target: str, segments: tuple[str, ...] | None) -> None:
    assert segments_of(target) == segments


def at(denials: Make, *paths: str, count: int = 5, **more: object) -> list[Denial]:
    return [one for path in paths for one in denials(count, target=path, **more)]


def test_paths_are_followed_while_few_go_on(denials: Make) -> None:
    assert places(at(denials, "/search")) == {"/search": 5}
    assert places(at(denials, "/search", "/blog/find")) == {"/search": 5, "/blog/find": 5}
    many = [replace(one, target=f"/items/{n}/edit") for n, one in enumerate(denials(30))]
    assert places([*many, *at(denials, "/search")]) == {"/items": 30, "/search": 5}
    assert places([replace(one, target=f"/{n}") for n, one in enumerate(denials(30))]) == {"/": 30}
    few = [replace(one, target=f"/a/{n % 3}") for n, one in enumerate(denials(6))]
    assert places(few) == {"/a": 6}


def test_what_ends_at_a_path_covers_what_is_below(denials: Make) -> None:
    assert places([*at(denials, "/a"), *at(denials, "/a/b")]) == {"/a": 10}
    assert places([*at(denials, "/a", count=1), *at(denials, "/a/b")]) == {"/a": 1, "/a/b": 5}


def test_nobody_widens_a_path_by_adding_others(denials: Make) -> None:
    added = [one for n in range(9) for one in denials(50, target=f"/x{n}", client=ATTACKER)]
    assert places([*at(denials, "/search"), *added]) == {"/search": 5, "/": 450}
    assert places([*at(denials, "/search/a"), *at(denials, "/search", client=ATTACKER)]) == {
        "/search/a": 5,
        "/search": 5,
    }


def test_below_the_routes_own_path(denials: Make) -> None:
    assert places(at(denials, "/api/x/y"), "/api") == {"/api/x/y": 5}
    assert places(at(denials, "/api"), "/api/") == {"/": 5}
    assert places(at(denials, "/old"), "/api") == {}
    _, left = narrowed(at(denials, "/old", "/api/../x"), {"shop": "/api"})
    assert sorted(left.values()) == [5, 5]


def test_without_a_target_there_is_no_path(denials: Make) -> None:
    assert places(denials(5, target=""), "/api") == {"/": 5}
    assert places(denials(5, target="/x", protocol="smtp")) == {"/": 5}
