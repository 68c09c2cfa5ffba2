"""What stands on disk after each change; who may read it is `test_trust`'s."""

from __future__ import annotations

import shutil

import pytest

from revproxy.errors import ConfigError, SupplyError


def names(simulator):
    return sorted(path.name for path in (simulator.public / "metadata").iterdir())


def test_the_first_metadata(simulator):
    made = [f"1.{role}.json" for role in ("crs", "ours", "root", "snapshot", "targets")]
    assert names(simulator) == [*made, "timestamp.json"]
    assert (simulator.public / "metadata/timestamp.json").stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_where_a_key_is_missing(simulator):
    before = names(simulator)
    for role, change in (
        ("timestamp", lambda: simulator.publish()),
        ("snapshot", lambda: simulator.at().rotate("timestamp")),
        ("ours", lambda: simulator.publish()),
        ("targets", lambda: simulator.at().rotate("ours")),
    ):
        (key,) = (simulator.folder / "keys").glob(f"{role}.{simulator.keyids(role)[0][:8]}.pem")
        shutil.move(key, simulator.folder)
        with pytest.raises(SupplyError, match=f"sign: {role}: it has 0 of 1 signatures") as caught:
            change()
        assert simulator.keyids(role)[0][:8] in caught.value.reason
        assert names(simulator) == before
        shutil.move(simulator.folder / key.name, key)


def test_what_is_no_feed(simulator, tmp_path):
    simulator.newest("timestamp").write_text("nonsense")
    with pytest.raises(ConfigError, match="no metadata"):
        simulator.publish()
    simulator.newest("timestamp").write_bytes(simulator.newest("root").read_bytes())
    with pytest.raises(ConfigError, match="metadata of 'root'"):
        simulator.publish()
    shutil.rmtree(simulator.public)
    with pytest.raises(ConfigError, match="no feed here"):
        simulator.at().add_key("timestamp")
