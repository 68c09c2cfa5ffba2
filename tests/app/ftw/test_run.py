"""Running stages: what ends how, cookies, redirections, a second try."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from revproxy.app.ftw.model import Answer, FtwTest, Input, Observed, Output, Stage
from revproxy.app.ftw.run import Ending, Result, Summary, run
from revproxy.errors import Location

WHERE = Location("a.yaml", 1, 1)
OK = Observed(("1",), status=200)


class Runner:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, *answers: Observed) -> None:
        self._answers = list(answers)
        self.asked: list[bytes] = []

    def observe(self, raw: bytes, given: Input) -> Observed:
        self.asked.append(raw)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def of() -> Callable[..., FtwTest]:
    def make(*stages: tuple[Input, Output], skip: str = "") -> FtwTest:
        return FtwTest("1-1", tuple(Stage(given, expected, WHERE) for given, expected in stages), WHERE, skip)

    return make


def only(test: FtwTest, runner: Runner) -> Result:
    (result,) = run([test], runner)
    return result


def test_endings(of) -> None:
    wants_one = of((Input(), Output(expect_ids=("1",))))
    assert only(wants_one, Runner(OK)).ending is Ending.PASSED
    failed = only(wants_one, Runner(Observed(status=200)))
    assert (failed.ending, failed.why, failed.stage) == (
        Ending.FAILED,
        ("1 not among no rules at all",),
        wants_one.stages[0],
    )
    assert only(wants_one, Runner(Observed(status=400, refused=True))).ending is Ending.REFUSED
    assert only(of((Input(), Output(statuses=(400,)))), Runner(Observed(status=400, refused=True))).ending == "passed"
    runner = Runner(OK)
    assert only(of((Input(), Output()), skip="because"), runner).why == ("because",)
    assert not runner.asked


def test_every_stage_counts(of) -> None:
    runner = Runner(OK, Observed(status=200))
    result = only(of(*[(Input(), Output(expect_ids=("1",)))] * 3), runner)
    assert result.ending is Ending.FAILED
    assert len(runner.asked) == 2


def test_a_second_try(of) -> None:
    again = (Input(), Output(expect_ids=("1",), retry_once=True))
    assert only(of(again), Runner(Observed(status=200), OK)).ending is Ending.PASSED
    runner = Runner(Observed(status=200))
    assert only(of(again), runner).ending is Ending.FAILED
    assert len(runner.asked) == 2


def test_cookies_are_kept_when_asked_for(of) -> None:
    lines = ((b"Set-Cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"))
    given = Observed(status=200, answer=Answer(200, lines))
    runner = Runner(given)
    only(of((Input(), Output()), (Input(save_cookie=True), Output()), (Input(), Output())), runner)
    assert [b"Cookie: a=1; b=2\r\n" in raw for raw in runner.asked] == [False, False, True]


@pytest.mark.parametrize(
    ("location", "first", "host"),
    [
        (b"/next?x=1#y", b"GET /next?x=1 HTTP/1.1", b"Host: a\r\n"),
        (b"http://other:81", b"GET / HTTP/1.1", b"Host: other:81\r\n"),
    ],
)
def test_redirections_are_followed(of, location: bytes, first: bytes, host: bytes) -> None:
    runner = Runner(Observed(status=302, answer=Answer(302, ((b"Location", location),))))
    follow = Input(uri="/not", headers=(("Host", "a"),), follow_redirect=True)
    assert only(of((Input(), Output()), (follow, Output())), runner).ending is Ending.PASSED
    assert runner.asked[1].startswith(first)
    assert host in runner.asked[1]


def test_there_must_be_one_to_follow(of) -> None:
    follow = (Input(follow_redirect=True), Output())
    assert "not answered with a redirection" in only(of(follow), Runner(OK)).why[0]
    assert only(of((Input(), Output()), follow), Runner(OK)).ending is Ending.FAILED


def test_a_summary() -> None:
    def result(name: str, ending: Ending) -> Result:
        return Result(FtwTest(name, (), WHERE), ending)

    results = (
        result("1", Ending.PASSED),
        result("2", Ending.FAILED),
        result("3", Ending.REFUSED),
        result("4", Ending.SKIPPED),
        result("5", Ending.PASSED),
    )
    summary = Summary(results, {"2": "why", "5": "why"})
    assert str(summary) == "2 passed, 2 failed, 1 skipped"
    assert (summary.unexpected, summary.recovered, summary.good) == (["3"], ["5"], False)
    assert Summary(results, {"2": "why", "3": "why"}).good
