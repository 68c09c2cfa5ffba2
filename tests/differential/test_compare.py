"""Counting differences, without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from revproxy.app.ftw import Observed
from tests.differential.compare import compare, differences, report
from tests.differential.listed import Difference, read


@dataclass
class Request:
    name: str
    raw: bytes


class Said:
    """An engine that says what it was told to."""

    def __init__(self, **by_name: object) -> None:
        self._by_name = by_name

    def run(self, raw: bytes) -> Observed:
        told = self._by_name[raw.decode()]
        if isinstance(told, Exception):
            raise told
        return told if isinstance(told, Observed) else Observed(tuple(str(told).split()))


def test_counts() -> None:
    names = "abcdef"
    ours = Said(a="1 2", b="1 1", c="1", d=Observed(refused=True), e=ValueError("x"), f="3")
    theirs = Said(a="2 1 1", b="1 2", c="1 2 3", d="9", e="", f=Observed(error="crash"))
    listed = Difference("2", "modsecurity", "modsecurity", "why", b"GET")
    result = compare([Request(name, name.encode()) for name in names], ours, theirs, [listed])
    assert (result.compared, result.equal) == (3, 1)
    assert result.classes() == {("2", "modsecurity"): ["b", "c"], ("3", "modsecurity"): ["c"]}
    assert result.refused == {"d": ("9",)}
    assert result.troubled == {"e": "ours: ValueError: x", "f": "modsecurity: crash"}
    assert result.unexplained == ["c"]
    lines = report("title", result)
    assert "3 compared, 2 different (66.67 %), 1 of them by listed errors of ModSecurity alone" in lines[0]
    assert "leaves 1 (33.33 %); 1 not listed, 1 refused" in lines[0]
    assert "2 only modsecurity: 2 (listed): b c" in lines[1]
    assert "3 only modsecurity: 1 (1 NOT LISTED): c" in lines[2]


def test_sums_follow_from_what_they_add_up() -> None:
    assert differences(["1", "949110"], ["2"]) == {("1", "ours"), ("2", "modsecurity")}
    assert differences(["1", "949110"], ["1"]) == {("949110", "ours")}


def test_bodies_that_one_side_thinks_broken_are_told_apart() -> None:
    ours, theirs = Said(a="1 90006", b="1"), Said(a="1", b="1 90006")
    result = compare([Request(name, name.encode()) for name in "ab"], ours, theirs)
    assert (result.equal, result.broken) == (2, {"a": "ours", "b": "modsecurity"})
    assert "  body broken only for ours: 1: a" in report("title", result)


def test_nothing_at_all() -> None:
    assert "0 compared, 0 different (0.00 %)" in report("none", compare([], Said(), Said()))[0]


GOOD = "{rule: 1, side: ours, errs: neither, why: a, request: 'GET'}"


def test_the_list(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"differences: [{GOOD}]")
    (one,) = read(tmp_path / "a.yaml")
    assert (one.key, one.request) == (("1", "ours"), b"GET")
    (tmp_path / "a.yaml").write_text("differences: []")
    assert read(tmp_path / "a.yaml") == []


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace("ours", "mine"),
        GOOD.replace("neither", "both"),
        GOOD.replace("why: a, ", ""),
        GOOD.replace("why", "because"),
        GOOD.replace("rule: 1", "rule: any"),
        GOOD.replace("side: ours", "side: both"),
        GOOD.replace("side", "where: {type: a/b}, side"),
        GOOD.replace("rule: 1", "rule: any, where: {length: 5}"),
    ],
)
def test_bad_entries(tmp_path: Path, bad: str) -> None:
    (tmp_path / "a.yaml").write_text(f"differences: [{GOOD}, {bad}]")
    with pytest.raises(ValueError, match="entry 2"):
        read(tmp_path / "a.yaml")


def test_a_class_by_what_the_request_is() -> None:
    def covers(raw: bytes, **where: str) -> bool:
        made = Difference("any", "both", "neither", "why", b"GET", where=where)
        return made.covers(("1", "ours"), raw, ["1", "7"])

    raw = b"POST / HTTP/1.1\r\nContent-Type: Text/XML; a=b\r\nX-Y: z\r\n\r\n"
    assert covers(raw + b"a!b", type="text/xml", header="X-Y", contains="!", fired="7")
    assert not covers(raw, contains="!")
    assert not covers(raw, type="text/plain")
    assert not covers(raw, type="text/xml", header="z")
    assert not covers(raw, fired="8")
    ours = Difference("any", "ours", "neither", "why", b"GET", where={"header": "x-y"})
    assert ours.covers(("2", "ours"), raw, ())
    assert not ours.covers(("2", "modsecurity"), raw, ())
