"""The benchmark on CRS compares only contestants that answer as expected."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from bench import loads
from bench.crs import LOADS, OURS, Load, Result, framed, requests, rows, spoilt
from bench.loads import REPLAYED
from bench.replay import Told


def result(rates: list[float], **told: int) -> Result:
    made = Result(rates=rates)
    statuses = {status: told.pop(status) for status in list(told) if status.isdigit()}
    made.check(Told(done=sum(statuses.values()), statuses=statuses, **told))
    return made


def test_the_ratio_is_to_the_better_peer_of_each_round() -> None:
    good = {"200": 100}
    results = {
        OURS: result([100, 200, 300], **good),
        "a": result([10, 10, 10], **good),
        "b": result([1, 20, 5], **good),
    }
    (line,) = rows("get", results)
    assert line.split() == ["get", "200", "10.00", "5.00", "10.0", "(10.0-30.0)", "10", "met"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("get", {"200": 99, "403": 1, "wrong": 1}),
        ("get", {"200": 99, "errors": 1}),
        (REPLAYED, {"200": 40, "403": 60}),
    ],
)
def test_who_answers_otherwise_is_not_compared(name: str, told: dict[str, int]) -> None:
    good = {"200": 100}
    lines = list(rows(name, {OURS: result([100], **good), "a": result([10], **good), "b": result([90], **told)}))
    assert " 10.0 (10.0-10.0)" in lines[0]
    assert any(line.startswith("    b not compared: ") for line in lines)
    lines = list(rows(name, {OURS: result([100], **told), "a": result([10], **good)}))
    assert "met" not in lines[0].lower()


@pytest.mark.parametrize("name", [name for name in LOADS if name != REPLAYED])
def test_no_request_comes_twice(name: str) -> None:
    load = LOADS[name]
    few = Load(load.parts, load.wanted, most=20)
    sent = [each for turn in (1, 2) for each in requests(few, turn, 2, few.most)]
    assert len({raw for _, raw in sent}) == len(sent) == 40
    assert sum(status == 403 for status, _ in sent) == 40 * few.parts.count("attack") / len(few.parts)


def test_recorded_requests_are_dealt_out_to_the_warm_up_and_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "replayed", lambda: iter([b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(10)]))
    dealt = [{raw for _, raw in requests(LOADS[REPLAYED], turn, 3, 0)} for turn in range(4)]
    assert [len(part) for part in dealt] == [3, 3, 2, 2]
    assert len(set().union(*dealt)) == 10


@pytest.mark.parametrize(("name", "count"), [("get", 0), ("form", 1), ("long-form", 1), ("json", 1), ("mixed", 1)])
def test_an_attack_stands_at_the_end_of_a_body(name: str, count: int) -> None:
    made = list(spoilt(LOADS[name]))
    assert len(made) == count
    for status, raw in made:
        head, _, body = raw.partition(b"\r\n\r\n")
        assert status == 403
        assert head.endswith(b"\r\nContent-Length: %d" % len(body))
        if name == "json":
            assert json.loads(body)[-1]["last"].endswith("-- -")
        else:
            assert parse_qs(body)[b"last"][0].endswith(b"-- -")


def test_a_recorded_request_says_how_long_its_body_is() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\nAccept: x"
    assert framed(head, b"12345") == head.replace(b": 3", b": 5") + b"\r\n\r\n12345"
    assert framed(b"GET / HTTP/1.1\r\nHost: a", b"") == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
