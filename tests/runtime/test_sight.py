from __future__ import annotations

from types import SimpleNamespace

from revproxy.config import Settings
from revproxy.runtime.sight import describe, tell_sandbox


async def test_generations_and_workers_as_json_values():
    async def tell(do: str) -> dict:
        assert do == "status"
        return {11: {"connections": 2}}

    children = [SimpleNamespace(index=i, pid=11 + i, accepting=True, age=1.26) for i in range(2)]
    egress = SimpleNamespace(pid=9, restarts=2)
    generation = SimpleNamespace(
        number=3,
        ruleset_name="abc",
        sets={"ours": "12ab"},
        settings=Settings((), ()),
        missing=("Landlock for files",),
        restarts=1,
        children=children,
        tell=tell,
        egress=egress,
    )
    got = await describe([generation])
    assert (got[0]["number"], got[0]["sets"]) == (3, {"ours": "12ab"})
    assert got[0]["sandbox"] == {"on": True, "missing": ["Landlock for files"]}
    assert [worker["status"] for worker in got[0]["workers"]] == [{"connections": 2}, None]
    assert got[0]["workers"][0] == {
        "index": 0,
        "pid": 11,
        "accepting": True,
        "age_seconds": 1.3,
        "status": {"connections": 2},
    }
    assert got[0]["broker"] == {"pid": 9, "restarts": 2}
    generation.egress = None
    assert (await describe([generation]))[0]["broker"] is None
    assert await describe([]) == []


def test_what_the_sandbox_lacks_is_in_the_log(caplog):
    missing = SimpleNamespace(settings=Settings((), ()), missing=("Landlock for files",))
    tell_sandbox(missing)
    tell_sandbox(SimpleNamespace(settings=Settings((), (), sandbox=False), missing=()))
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        "sandbox: missing on this machine: Landlock for files",
        "sandbox: off; workers may do whatever this user may",
    ]
