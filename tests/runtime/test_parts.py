from __future__ import annotations

import dataclasses
import pickle

import pytest

from revproxy.runtime.parts import Hello, Plan, Timing


def test_a_hello_is_pickled():
    hello = Hello(3, 1, 1.0, {"web": 7}, b"prepared", (("piece", 9),))
    assert pickle.loads(pickle.dumps(hello)) == hello


def test_a_plan_has_the_shipped_times_and_what_workers_need_of_the_environment(monkeypatch):
    for name in ("LC_TEST", "REVPROXY_TOKEN", "LISTEN_FDS", "NOTIFY_SOCKET"):
        monkeypatch.setenv(name, "1")
    plan = Plan(lambda: None, ("worker",), "revproxy.yaml")
    assert plan.timing == Timing()
    assert plan.environment["LC_TEST"] == "1"
    assert plan.environment["PATH"]
    assert plan.environment.keys().isdisjoint({"REVPROXY_TOKEN", "LISTEN_FDS", "NOTIFY_SOCKET"})
    plan.announce("heard by nobody")
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.file = "other"


@pytest.mark.parametrize(
    ("age", "last", "pause"), [(60, 1.0, 0.0), (1, 0.0, 0.1), (1, 0.1, 0.2), (1, 4.0, 5.0), (1, 5.0, 5.0)]
)
def test_pauses_double(age, last, pause):
    assert Timing().pause_after(age, last) == pause
