from __future__ import annotations

import pytest

from revproxy.app.running import running_sets, running_shadow
from tests.app.answering import running


def says(result):
    return {"ok": True, "result": result}


def test_where_nothing_runs(tmp_path):
    path = str(tmp_path / "control")
    assert (running_sets(path), running_shadow(path)) == ({}, {})


def test_the_sets_of_the_newest_generation(tmp_path):
    path = tmp_path / "control"
    with running(path, says({"generations": [{"sets": {"ours": "a"}}, {"sets": {"ours": "b"}}]})) as asked:
        assert running_sets(str(path)) == {"ours": "b"}
    assert asked == ["status"]


def test_what_runs_in_shadow(tmp_path):
    path = tmp_path / "control"
    with running(path, says({"name": "ours:a"})) as asked:
        assert running_shadow(str(path)) == {"name": "ours:a"}
    assert asked == ["staging"]


@pytest.mark.parametrize("answer", [None, {"ok": False, "error": "no"}, says({"generations": []}), says({})])
def test_a_front_end_that_says_nothing(tmp_path, answer):
    path = tmp_path / "control"
    with running(path, answer):
        assert running_shadow(str(path)) in ({}, {"generations": []})
    if answer != says({}):
        with running(path, answer):
            assert running_sets(str(path)) == {}
