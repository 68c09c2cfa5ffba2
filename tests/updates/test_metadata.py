"""What stands on disk after each change; who may read it is `test_trust`'s."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from revproxy.errors import ConfigError, SupplyError
from revproxy.updates.keys import Keys
from revproxy.updates.repository import Repository


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
    simulator.newest("timestamp").unlink()
    with pytest.raises(ConfigError, match=r"timestamp.json: cannot be read: No such file") as caught:
        simulator.publish()
    assert "nothing may be missing" in caught.value.hint
    shutil.rmtree(simulator.public)
    with pytest.raises(ConfigError, match="no feed here"):
        simulator.at().add_key("timestamp")


def test_a_full_disk_leaves_neither_metadata_nor_keys(simulator, full_disk):
    def files():
        return {path: path.read_bytes() for path in simulator.folder.rglob("*") if path.is_file()}

    simulator.at().renew()
    before = files()
    for room in range(4):
        with full_disk(room), pytest.raises(ConfigError, match="No space left"):
            simulator.at().rotate("timestamp")
        assert files() == before
    simulator.at().rotate("timestamp")
    simulator.publish()


def test_a_feed_can_begin_after_the_disk_was_full(tmp_path, full_disk):
    at = Repository(tmp_path / "feed", Keys([tmp_path / "feed/keys"]), datetime.now(UTC))
    with full_disk(8), pytest.raises(ConfigError, match="No space left"):
        at.begin(("ours",))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["lock"]
    at.begin(("ours",))
    assert len(list((tmp_path / "feed/keys").iterdir())) == 5


def test_a_key_that_cannot_be_read_stops_only_who_needs_it(simulator):
    (simulator.folder / "keys/timestamp.0.pem").touch()
    simulator.publish()
    (key,) = (simulator.folder / "keys").glob(f"timestamp.{simulator.keyids('timestamp')[0][:8]}.pem")
    key.write_bytes(b"")
    with pytest.raises(SupplyError, match=r"it has 0 of 1 signatures(.|\n)*this key cannot be read") as caught:
        simulator.publish()
    assert str(key) in caught.value.reason
