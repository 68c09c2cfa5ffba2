"""What is expected and what was observed."""

from __future__ import annotations

import pytest
import re2

from revproxy.app.ftw.check import faults
from revproxy.app.ftw.model import Answer, Observed, Output

SEEN = Observed(
    ("1", "2", "1"),
    (b'[id "1"] [msg "a"]', b'[id "2"] [msg "b"]'),
    200,
    answer=Answer(200, ((b"Server", b"x"),), b"hello"),
)


@pytest.mark.parametrize(
    "expected",
    [
        Output(),
        Output(statuses=(200, 204)),
        Output(response_contains=b"Server: x\r\n\r\nhell"),
        Output(response_contains=b"HTTP/1.1 200"),
        Output(expect_ids=("2", "1"), no_expect_ids=("3",)),
        Output(patterns=(re2.compile(b'id "2".*b'),), no_patterns=(re2.compile(b'id "1".*b'),)),
    ],
)
def test_as_expected(expected: Output) -> None:
    assert faults(expected, SEEN) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Output(statuses=(400, 403)), "status 200, not 400 or 403"),
        (Output(response_contains=b"bye"), "does not contain"),
        (Output(expect_ids=("1", "3", "4")), "3 4 not among 1 2"),
        (Output(no_expect_ids=("2",)), "2 fired"),
        (Output(expect_ids=("1",), isolated=True), "not 1 alone: 1 2"),
        (Output(patterns=(re2.compile(b"nothing"),)), "no line of the log matches"),
        (Output(no_patterns=(re2.compile(b"msg"),)), "a line of the log matches"),
        (Output(expect_error=True), "an answer with status 200, not an error"),
    ],
)
def test_otherwise(expected: Output, words: str) -> None:
    assert words in "; ".join(faults(expected, SEEN))


def test_several_faults_are_all_told() -> None:
    assert len(faults(Output(statuses=(1,), expect_ids=("3",), no_expect_ids=("1",)), SEEN)) == 3


def test_an_error() -> None:
    broken = Observed(error="BadStatusLine")
    assert faults(Output(expect_error=True, expect_ids=("1",)), broken) == []
    assert faults(Output(no_expect_ids=("1",)), broken) == ["there is no answer: BadStatusLine"]


def test_alone() -> None:
    assert faults(Output(expect_ids=("1",), isolated=True), Observed(("1", "1"), status=200)) == []
