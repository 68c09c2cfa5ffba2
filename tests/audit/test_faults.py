import logging

import pytest

from revproxy.audit.faults import QUIET_SECONDS, Faults


class Told:
    def __init__(self, caplog):
        self.now = 0.0
        self.lost = 0
        self._caplog = caplog
        self.faults = Faults("audit", "file:/x", lambda: self.lost, lambda: self.now)

    @property
    def lines(self):
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, "revproxy.audit")
    return Told(caplog)


def test_a_log_that_works_is_not_talked_about(told):
    for _ in range(10):
        told.faults.tell("")
    assert told.lines == []


def test_once_at_its_beginning_and_once_at_its_end(told):
    for told.lost in range(10):
        told.faults.tell("No space left on device")
    for _ in range(10):
        told.faults.tell("")
    assert told.lines == [
        "the audit log (file:/x) fails: No space left on device; 0 records lost so far",
        "the audit log (file:/x) works again; 9 records lost so far",
    ]


def test_once_a_minute_while_it_lasts(told):
    for second in range(int(QUIET_SECONDS) * 3):
        told.now = told.lost = second
        told.faults.tell("away")
    assert [line.rsplit(";")[-1] for line in told.lines] == [f" {n} records lost so far" for n in (0, 60, 120)]


def test_what_comes_and_goes_is_told_no_more_often(told):
    for second in range(int(QUIET_SECONDS) * 2):
        told.now = second
        told.faults.tell("away")
        told.faults.tell("")
    assert len(told.lines) == 4


def test_a_reopen_that_fails(told):
    for second in range(int(QUIET_SECONDS) * 2):
        told.now = second
        told.faults.reopen_failed("No such file or directory")
    assert len(told.lines) == 2
    assert "cannot be opened again" in told.lines[0]
