"""Whether what happened is what a stage expects. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from revproxy.app.ftw.model import Observed, Output


def faults(expected: Output, observed: Observed) -> list[str]:
    """What is not as expected, in words; nothing when the stage passes."""
    if expected.expect_error and observed.error:
        return []
    if observed.error:
        return [f"there is no answer: {observed.error}"]
    found = [*_answer(expected, observed), *_ids(expected, observed), *_lines(expected, observed)]
    return [f"an answer with status {observed.status}, not an error", *found] if expected.expect_error else found


def _answer(expected: Output, observed: Observed) -> Iterator[str]:
    if expected.statuses and observed.status not in expected.statuses:
        yield f"status {observed.status}, not {' or '.join(map(str, expected.statuses))}"
    if expected.response_contains not in _whole(observed):
        yield f"the answer does not contain {expected.response_contains!r}"


def _whole(observed: Observed) -> bytes:
    answer = observed.answer
    lines = [b"HTTP/1.1 %d" % observed.status, *(b"%b: %b" % line for line in answer.headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + answer.body


def _ids(expected: Output, observed: Observed) -> Iterator[str]:
    fired = dict.fromkeys(observed.rules)
    missing = [rule for rule in expected.expect_ids if rule not in fired]
    if missing:
        yield f"{' '.join(missing)} not among {' '.join(fired) or 'no rules at all'}"
    wrong = [rule for rule in expected.no_expect_ids if rule in fired]
    if wrong:
        yield f"{' '.join(wrong)} fired"
    if expected.isolated and len(fired) > 1:
        yield f"not {expected.expect_ids[0]} alone: {' '.join(fired)}"


def _lines(expected: Output, observed: Observed) -> Iterator[str]:
    for pattern in expected.patterns:
        if not any(pattern.search(line) for line in observed.lines):
            yield f"no line of the log matches {pattern.pattern!r}"
    for pattern in expected.no_patterns:
        if any(pattern.search(line) for line in observed.lines):
            yield f"a line of the log matches {pattern.pattern!r}"
