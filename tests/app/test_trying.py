"""Trials in processes of their own: sets that take more than they may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from revproxy.app.linking import kept
from revproxy.app.trying import joined, tried
from revproxy.config.loading import load
from revproxy.errors import SupplyError

GOOD = "SecRule ARGS 'attack' 'id:1,phase:2,deny'\n"
MANY = "".join(f"SecRule ARGS '@rx a{n}.{{1,300}}b.{{1,300}}c' 'id:{n},phase:2,deny'\n" for n in range(1, 400))
"""Bounded repeats: whoever compiles them needs many seconds."""

LONG = f"signatures: [{'a,' * 1_000_000}]"
"""Two megabytes of YAML: its reader makes hundreds of bytes of each of these two letters."""


def test_a_good_set(order):
    assert tried(order(a_conf=GOOD), 60).rules == 1


def test_a_set_that_is_joined_with_what_is_in_force(order):
    one = order(a_conf=GOOD)
    settings = load(one.config).settings
    joined(one, settings, 60)
    alone = replace(settings, inspection=replace(settings.inspection, rules=(one.folder,)))
    assert [rule.id for rule in kept(alone).rules.rules] == ["1"]


def test_one_that_cannot_be_joined(order):
    bad = order(inspection="{signatures: [], rules: ['feed:ours'], exclusions: [{rules: [942100]}]}", a_conf=GOOD)
    with pytest.raises(SupplyError, match="no rule '942100'") as caught:
        joined(bad, load(bad.config).settings, 60)
    assert caught.value.step == "configuration"


def test_joining_has_the_bounds_of_a_trial(order):
    big = order(a_conf=MANY, cpu=1)
    with pytest.raises(SupplyError, match=r"more processor time than limits\.supply\.trial_cpu_seconds \(1 s\)"):
        joined(big, load(big.config).settings, 100)


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
