"""Only whole messages of the right kind are read; whatever else comes is refused, never guessed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import WireError
from revproxy.net.egress.wire import (
    MOST_BYTES,
    MOST_MILLISECONDS,
    Answer,
    Request,
    Status,
    read_answer,
    read_request,
    write_answer,
    write_request,
)

NUMBERS = st.integers(1, 2**64 - 1)
REQUESTS = st.builds(Request, NUMBERS, st.integers(0, 0xFFFF), st.integers(1, MOST_MILLISECONDS))
ANSWERS = st.builds(
    Answer, NUMBERS, st.sampled_from([s for s in Status if s is not Status.ANEW]), st.integers(0, 999)
)


@given(REQUESTS)
def test_a_request_comes_back(request_: Request) -> None:
    data = write_request(request_)
    assert len(data) <= MOST_BYTES
    assert read_request(data) == request_


@given(ANSWERS)
def test_an_answer_comes_back(answer: Answer) -> None:
    assert read_answer(write_answer(answer)) == answer


def test_the_word_of_a_new_broker() -> None:
    assert read_answer(write_answer(Answer(0, Status.ANEW))).status is Status.ANEW


@given(st.binary(max_size=4 * MOST_BYTES))
def test_whatever_comes_is_read_as_it_was_written_or_refused(data: bytes) -> None:
    for read, write in ((read_request, write_request), (read_answer, write_answer)):
        try:
            message = read(data)
        except WireError:
            continue
        assert write(message) == data


@given(REQUESTS, st.binary(min_size=1, max_size=3))
def test_nothing_may_stand_behind_or_be_missing(request_: Request, more: bytes) -> None:
    for data in (write_request(request_) + more, write_request(request_)[: -len(more)]):
        with pytest.raises(WireError):
            read_request(data)


@pytest.mark.parametrize(("number", "milliseconds"), [(0, 1), (1, 0), (1, MOST_MILLISECONDS + 1)])
def test_a_request_out_of_bounds_is_refused(number: int, milliseconds: int) -> None:
    with pytest.raises(WireError):
        read_request(write_request(Request(number, 0, milliseconds)))


def test_one_is_not_taken_for_the_other() -> None:
    with pytest.raises(WireError):
        read_answer(write_request(Request(1, 1, 1)))
    with pytest.raises(WireError):
        read_request(write_answer(Answer(1, Status.LATE)))
