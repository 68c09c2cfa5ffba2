"""A worker that is started for show."""

from __future__ import annotations

import pytest

from revproxy.runtime.child import WorkerFailed
from revproxy.runtime.parts import Plan
from revproxy.runtime.rehearsal import rehearse


async def test_a_worker_that_would_serve(prepared, echo_argv):
    made = prepared(workers=4)
    assert await rehearse(Plan(lambda: made, echo_argv, "plan.json"), made) == ()


async def test_a_worker_that_would_not(prepared, echo_argv):
    made = prepared(faults={"build": "no such rule"})
    with pytest.raises(WorkerFailed, match="no such rule"):
        await rehearse(Plan(lambda: made, echo_argv, "plan.json"), made)
