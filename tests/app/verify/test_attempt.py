"""What counts as refused, and what does not."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from revproxy.app.verify.attempt import Attempt, Outcome, call, made


def raising(number: int) -> Callable[[], None]:
    def run() -> None:
        raise OSError(number, os.strerror(number))

    return run


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.EPERM, Outcome.REFUSED),
        (errno.EACCES, Outcome.REFUSED),
        (errno.ENOENT, Outcome.ABSENT),
        (errno.ENOSYS, Outcome.ABSENT),
        (errno.ECONNREFUSED, Outcome.POSSIBLE),
        (errno.ENETUNREACH, Outcome.POSSIBLE),
        (errno.EINVAL, Outcome.POSSIBLE),
        (errno.ETIMEDOUT, Outcome.POSSIBLE),
    ],
)
def test_only_a_refusal_is_one(number: int, outcome: Outcome) -> None:
    row = made(Attempt("network", "something", raising(number)))
    assert (row.outcome, row.why) == (outcome, errno.errorcode[number])
    assert row.good == (outcome is not Outcome.POSSIBLE)


def test_what_is_done_is_possible_and_what_is_wanted_has_to_work() -> None:
    assert made(Attempt("files", "a file", lambda: None)).outcome is Outcome.POSSIBLE
    assert made(Attempt("files", "a file", lambda: None, wanted=True)).outcome is Outcome.WORKS
    failed = made(Attempt("files", "a file", raising(errno.EACCES), wanted=True))
    assert failed.outcome is Outcome.FAILS
    assert not failed.good


def test_a_call_by_its_name() -> None:
    assert call("getpid") == os.getpid()
    with pytest.raises(OSError) as raised:
        call("no such call")
    assert raised.value.errno == errno.ENOSYS
