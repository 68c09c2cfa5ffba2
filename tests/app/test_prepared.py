"""What goes to a worker of what was prepared."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

from revproxy.app.prepare import prepare
from revproxy.config import Settings

Make = Callable[..., Settings]


def test_prepared_goes_to_the_workers(settings: Make) -> None:
    prepared = replace(prepare(settings()), sets={"crs": "f" * 64}, notices=("nothing",))
    again = pickle.loads(pickle.dumps(prepared))
    assert again.ruleset_name == prepared.ruleset_name == prepared.rules.name
    assert again.settings == prepared.settings
    assert [rule.id for rule in again.rules.rules] == ["one"]
    assert (again.rest, again.notices, again.patched) == (prepared.rest, ("nothing",), False)
    assert (again.pieces, set(prepared.pieces)) == ({}, set(prepared.rules.keys))
    assert not again.sets
