"""`inspect --against`: what another configuration would change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from revproxy.app.comparing import Change, Difference, Side, Summary, compare
from revproxy.app.offline import Item
from revproxy.config import Exclusion, Route, Settings, nowhere
from revproxy.detection.link import unheard

CLEAN = b"GET /?q=1 HTTP/1.1\r\nHost: a\r\n\r\n"
HOSTILE = b"GET /?q=attack-1 HTTP/1.1\r\nHost: a\r\n\r\n"
ELSEWHERE = b"GET /?r=attack-1 HTTP/1.1\r\nHost: a\r\n\r\n"


def results(verdict: str, *rules: str, status: int | None = None, score: int = 0) -> dict[str, Any]:
    return {"id": "x", "verdict": verdict, "status": status, "score": score, "rules": list(rules), "micros": 1}


@pytest.mark.parametrize(
    ("before", "after", "change", "text"),
    [
        (
            results("allow"),
            results("deny", "a", status=403, score=5),
            Change.DENIED,
            "x: newly denied: allow, score 0 -> deny 403, score 5 +a",
        ),
        (
            results("defer", "a", "b", status=503, score=5),
            results("allow", "b", score=2),
            Change.PASSES,
            "x: no longer denied: defer 503, score 5 -> allow, score 2 -a",
        ),
        (
            results("allow", "a"),
            results("allow", "b"),
            Change.OTHERWISE,
            "x: decided otherwise: allow, score 0 -> allow, score 0 -a +b",
        ),
        (
            results("deny", "a", status=403),
            results("reject", "a", status=400),
            Change.OTHERWISE,
            "x: decided otherwise: deny 403, score 0 -> reject 400, score 0",
        ),
    ],
)
def test_a_difference(before: dict[str, Any], after: dict[str, Any], change: Change, text: str) -> None:
    found = Difference("x", before, after)
    assert (found.change, str(found)) == (change, text)
    told = found.as_object()
    assert told["change"] == change.value.replace(" ", "_")
    assert (told["before"]["rules"], told["after"]["rules"]) == (before["rules"], after["rules"])


def test_a_name_ends_no_line() -> None:
    assert "\n" not in str(Difference("x\n\x1b[31m", results("allow"), results("deny")))


def test_a_summary() -> None:
    summary = Summary(inspected=9)
    summary.add(Difference("x", results("allow"), results("deny", "a", "a", "b")))
    summary.add(Difference("x", results("deny", "c"), results("allow", "b")))
    assert list(summary.lines()) == [
        "9 inspected: 1 newly denied, 1 no longer denied, 0 decided otherwise",
        "  b: matches 2 more, 0 no longer",
        "  a: matches 1 more, 0 no longer",
        "  c: matches 0 more, 1 no longer",
    ]
    assert summary.as_object()["summary"] == {
        "inspected": 9,
        "newly_denied": 1,
        "no_longer_denied": 1,
        "decided_otherwise": 0,
        "rules": {"a": {"new": 1, "gone": 0}, "b": {"new": 2, "gone": 0}, "c": {"new": 0, "gone": 1}},
    }


def run(before: Settings, after: Settings) -> tuple[list[tuple[str, Change]], Summary]:
    summary = Summary()
    items = (Item(name, raw) for name, raw in (("clean", CLEAN), ("hostile", HOSTILE), ("elsewhere", ELSEWHERE)))
    found = compare("http", items, (Side(before, nowhere), Side(after, nowhere)), True, unheard, summary)
    return [(one.name, one.change) for one in found], summary


def test_an_exclusion_more(settings: Callable[..., Settings]) -> None:
    before = settings()
    after = settings(routes=(Route("all", "inside", exclusions=(Exclusion(("one",), fields=("args:q",)),)),))
    changed, summary = run(before, after)
    assert changed == [("hostile", Change.PASSES)]
    assert (summary.inspected, summary.gone) == (3, {"one": 1})
    assert run(after, before)[0] == [("hostile", Change.DENIED)]
    assert run(before, before)[0] == []


def test_another_set(settings: Callable[..., Settings], tmp_path: Path, signatures: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(Path(signatures).read_text().replace("id: one", "id: two"))
    before = settings()
    after = replace(before, inspection=replace(before.inspection, signatures=(str(other),)))
    changed, summary = run(before, after)
    assert changed == [("hostile", Change.OTHERWISE), ("elsewhere", Change.OTHERWISE)]
    assert (summary.new, summary.gone) == ({"two": 2}, {"one": 2})
