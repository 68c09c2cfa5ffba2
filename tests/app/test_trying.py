"""Trials in processes of their own: sets that take more than they may."""

from __future__ import annotations

import pytest

from revproxy.app.trying import tried
from revproxy.errors import SupplyError

GOOD = "SecRule ARGS 'attack' 'id:1,phase:2,deny'\n"
MANY = "".join(f"SecRule ARGS '@rx a{n}.{{1,300}}b.{{1,300}}c' 'id:{n},phase:2,deny'\n" for n in range(1, 400))
"""Bounded repeats: whoever compiles them needs many seconds."""

LONG = f"signatures: [{'a,' * 400_000}]"
"""Less than a megabyte of YAML: its reader makes a kilobyte of each of these two letters."""


def test_a_good_set(order):
    assert tried(order(a_conf=GOOD), 60).rules == 1


def test_a_bad_one(order):
    with pytest.raises(SupplyError, match=r"a\.conf:1") as caught:
        tried(order(a_conf="nonsense"), 60)
    assert caught.value.step == "compile"


def test_too_much_memory(order):
    with pytest.raises(SupplyError, match=r"more memory than limits\.supply\.trial_memory_bytes"):
        tried(order("signatures", memory=200 * 2**20, a_yaml=LONG), 100)


def test_too_much_processor_time(order):
    with pytest.raises(SupplyError, match=r"more processor time than limits\.supply\.trial_cpu_seconds \(1 s\)"):
        tried(order(a_conf=MANY, cpu=1), 100)


def test_too_long(order):
    with pytest.raises(SupplyError, match=r"not done within limits\.supply\.trial_seconds \(0\.1 s\)"):
        tried(order(a_conf=MANY), 0.1)
