"""A worker that is started for show."""

from __future__ import annotations

import socket

import pytest

from revproxy.config.settings import Address
from revproxy.errors import ConfigError
from revproxy.runtime.child import WorkerFailed
from revproxy.runtime.handover import BOUND
from revproxy.runtime.parts import Plan
from revproxy.runtime.rehearsal import rehearse


async def test_a_worker_that_would_serve(prepared, echo_argv):
    made = prepared(workers=4)
    assert await rehearse(Plan(lambda: made, echo_argv, "plan.json"), made) == ()


async def test_a_worker_that_would_not(prepared, echo_argv):
    made = prepared(faults={"build": "no such rule"})
    with pytest.raises(WorkerFailed, match="no such rule"):
        await rehearse(Plan(lambda: made, echo_argv, "plan.json"), made)


async def test_before_an_upgrade_what_is_bound_anew_has_to_be_free(prepared, echo_argv, free_port, monkeypatch):
    made = prepared(admin=Address("127.0.0.1", free_port))
    plan = Plan(lambda: made, echo_argv, "plan.json")
    with socket.create_server(("127.0.0.1", free_port)):
        assert await rehearse(plan, made) == (), "nothing is bound"
        monkeypatch.setenv(BOUND, "[]")
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{free_port}"):
            await rehearse(plan, made)
        monkeypatch.setenv(BOUND, f'["127.0.0.1:{free_port}"]')
        assert await rehearse(plan, made) == (), "it will be given that"
