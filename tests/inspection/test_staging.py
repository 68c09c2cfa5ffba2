"""What follows from what both sets said: for every count and time, and where the borders are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.config.settings import Staging
from revproxy.inspection.staging import (
    MOST_CHANGES,
    MOST_OVERRUNS,
    MOST_SAMPLES,
    Change,
    Report,
    Word,
    coarse,
    decide,
    exceeds,
    least_share,
    seconds_left,
    together,
)

BOUNDS = Staging(least=60.0, transactions=1000, most=600.0, new_denials=5, new_denials_share=0.001)


def report(judged: int, new_denials: int = 0, **more: int) -> Report:
    return Report(judged=judged, new_denials=new_denials, fault="RuntimeError: x", **more)


@pytest.mark.parametrize(
    ("counts", "seconds", "word"),
    [
        (report(0), 0.0, Word.GO_ON),
        (report(10_000), 59.9, Word.GO_ON),
        (report(10_000), 60.0, Word.PROMOTE),
        (report(999), 60.0, Word.GO_ON),
        (report(1000), 60.0, Word.PROMOTE),
        (report(999), 600.0, Word.PROMOTE),
        (report(0), 600.0, Word.PROMOTE),
        (report(1000, 5), 60.0, Word.PROMOTE),
        (report(1000, 6), 60.0, Word.HOLD),
        # More than the number, but the share may be all of these.
        (report(100_000, 100), 60.0, Word.PROMOTE),
        (report(100_000, 101), 60.0, Word.HOLD),
        # It may still become less than the share; at the end it has to be.
        (report(100_000, 101), 59.0, Word.GO_ON),
        (report(100_000, 200), 0.0, Word.HOLD),
        (report(6, 6), 0.0, Word.HOLD),
        (report(5, 5), 0.0, Word.GO_ON),
        # Few transactions, and nearly all of them.
        (report(3, 3), 600.0, Word.HOLD),
        (report(40, 2), 600.0, Word.PROMOTE),
        # There was traffic, and hardly any of it was judged.
        (report(10, skipped=990), 600.0, Word.HOLD),
        (report(0, skipped=500, dropped=500), 600.0, Word.HOLD),
        (report(10, skipped=900), 600.0, Word.PROMOTE),
        (report(1, failed=1), 0.0, Word.HOLD),
        (report(10_000, failed=1), 60.0, Word.HOLD),
        (report(1000, overran=MOST_OVERRUNS), 60.0, Word.PROMOTE),
        (report(1000, overran=MOST_OVERRUNS + 1), 0.0, Word.HOLD),
    ],
)
def test_borders(counts: Report, seconds: float, word: Word) -> None:
    decision = decide(counts, seconds, BOUNDS)
    assert decision.word is word
    assert decision.why


def test_nothing_new_may_be_denied() -> None:
    strict = replace(BOUNDS, new_denials=0, new_denials_share=0.0)
    assert decide(report(1_000_000, 1), 0.0, strict).word is Word.HOLD
    assert decide(report(1_000_000, 0), 60.0, strict).word is Word.PROMOTE


def test_what_is_said() -> None:
    assert decide(report(1000, 6), 60.0, BOUNDS).why == (
        "of 1000 transactions that both sets judged it would newly deny 6; 5 may be, or 0.1 %"
    )
    assert "could not judge 1 transactions: RuntimeError: x" in decide(report(1, failed=1), 0.0, BOUNDS).why


bounds = st.builds(
    Staging,
    least=st.floats(0, 1e6),
    transactions=st.integers(0, 10**6),
    most=st.floats(0.001, 1e6),
    new_denials=st.integers(0, 1000),
    new_denials_share=st.floats(0, 1),
)
seconds = st.floats(0, 1e7)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    judged = draw(st.integers(0, 10**9))
    return Report(judged=judged, new_denials=draw(st.integers(0, judged)), overran=draw(st.integers(0, 5)))


@given(reports(), seconds, bounds)
def test_promoted_only_after_its_time_and_under_its_bound(counts: Report, passed: float, bound: Staging) -> None:
    word = decide(counts, passed, bound).word
    exceeded = exceeds(counts.new_denials, counts.judged, bound)
    if word is Word.PROMOTE:
        assert not exceeded
        assert passed >= bound.least
        assert counts.judged >= bound.transactions or passed >= bound.most
        assert counts.overran <= MOST_OVERRUNS
    elif word is Word.HOLD:
        assert exceeded or counts.overran > MOST_OVERRUNS or coarse(counts, bound)


@given(reports(), seconds, bounds)
def test_it_comes_to_an_end(counts: Report, passed: float, bound: Staging) -> None:
    left = seconds_left(counts, passed, bound)
    assert left >= 0
    # Adding may round downwards.
    assert decide(counts, (passed + left) * (1 + 1e-12) + 1e-9, bound).word is not Word.GO_ON
    if left == 0:
        assert decide(counts, passed, bound).word is not Word.GO_ON


@given(reports(), seconds, bounds, st.integers(0, 100))
def test_more_denials_never_help(counts: Report, passed: float, bound: Staging, more: int) -> None:
    worse = replace(counts, judged=counts.judged + more, new_denials=counts.new_denials + more)
    if decide(counts, passed, bound).word is Word.HOLD and not exceeds(0, 0, bound):
        assert decide(worse, passed, bound).word is Word.HOLD


@given(st.integers(1, 10**9).flatmap(lambda judged: st.tuples(st.integers(0, judged), st.just(judged))))
def test_what_is_sure_is_no_more_than_what_was_seen(numbers: tuple[int, int]) -> None:
    number, judged = numbers
    sure = least_share(number, judged)
    assert 0 <= sure <= number / judged + 1e-12
    assert (sure > 0) is (number > 0)
    # The same share of more is surer.
    assert least_share(number * 10, judged * 10) >= sure - 1e-12


words = st.text(max_size=3)
changes = st.builds(
    Change, words, words, words, st.integers(1, 10**6), st.lists(st.dictionaries(words, words), max_size=3).map(tuple)
)
whole = st.builds(
    Report,
    *(st.integers(0, 10**9) for _ in range(7)),
    seconds=st.floats(0, 1e6),
    fault=words,
    changes=st.lists(changes, max_size=5).map(together),
)


@given(whole)
def test_there_and_back(made: Report) -> None:
    assert Report.of(json.loads(json.dumps(made.told()))) == made


@given(whole, whole)
def test_adding_up(one: Report, other: Report) -> None:
    both = one + other
    for name in ("judged", "new_denials", "let_pass", "skipped", "dropped", "failed", "overran", "otherwise"):
        assert getattr(both, name) == getattr(one, name) + getattr(other, name)
    assert sum(change.count for change in both.changes) == sum(c.count for c in (*one.changes, *other.changes))
    assert one + Report() == one


@pytest.mark.parametrize(
    "told",
    [
        {},
        {**Report().told(), "judged": -1},
        {**Report().told(), "judged": "many"},
        {**Report().told(), "changes": [{}]},
    ],
)
def test_what_is_no_report(told: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        Report.of(told)


def test_changes_are_bounded() -> None:
    sample = {"id": "1"}
    many = [Change(f"r{number % 300}", "args", "all", 1 + number % 7, (sample,)) for number in range(3000)]
    found = together(many)
    assert len(found) == MOST_CHANGES
    assert [one.count for one in found] == sorted((one.count for one in found), reverse=True)
    assert {len(one.samples) for one in found} == {MOST_SAMPLES}
