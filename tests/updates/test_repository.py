from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from revproxy.errors import ConfigError, SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.files import alone
from revproxy.updates.keys import Keys
from revproxy.updates.manifest import Kind, read_manifest
from revproxy.updates.repository import Repository
from revproxy.updates.unpack import unpack


def signed(simulator, role):
    return json.loads(simulator.newest(role).read_bytes())["signed"]


def test_a_feed_begins_once(simulator):
    assert simulator.at().roles() == ["crs", "ours"]
    assert signed(simulator, "root")["roles"]["root"]["threshold"] == 2
    with pytest.raises(ConfigError, match="a feed already"):
        simulator.at().begin(("ours",))


def test_publishing(simulator, tmp_path):
    digest = simulator.publish()
    data = (simulator.public / f"targets/ours/{digest}.set.tar.gz").read_bytes()
    unpack(io.BytesIO(data), tmp_path / "set", SupplyLimits())
    manifest = read_manifest((tmp_path / "set/manifest.json").read_bytes())
    assert (manifest.name, manifest.number, manifest.version) == ("ours", 2, "1")
    assert signed(simulator, "ours")["targets"].keys() == {"ours/set.tar.gz"}
    simulator.publish()
    assert signed(simulator, "ours")["version"] == 3


def test_what_clients_would_refuse_is_not_published(simulator):
    simulator.limits = SupplyLimits(file_bytes=10)
    with pytest.raises(SupplyError, match="larger than 10 bytes"):
        simulator.publish()
    assert signed(simulator, "timestamp")["version"] == 1
    with pytest.raises(ConfigError, match="no role 'mine'"):
        simulator.publish(role="mine")


@pytest.mark.parametrize("version", ["", "a b", "1\n\x1b[31m", "x" * 10_000])
def test_versions_that_clients_would_refuse(simulator, version):
    simulator.publish()
    before = simulator.newest("timestamp").read_bytes()
    with pytest.raises(ConfigError, match="cannot be the version") as caught:
        simulator.at().publish("ours", simulator.folder / "set1", version, SupplyLimits())
    assert len(str(caught.value).splitlines()) == 2
    assert "\x1b" not in str(caught.value)
    assert simulator.newest("timestamp").read_bytes() == before


def test_what_the_check_refuses_is_not_published(simulator):
    seen = []

    def check(files, kind):
        seen.append((kind, sorted(path.name for path in files.iterdir())))
        raise SupplyError("samples", "no")

    simulator.publish()
    before = simulator.newest("timestamp").read_bytes()
    with pytest.raises(SupplyError, match="samples: no"):
        simulator.at().publish("ours", simulator.folder / "set1", "2", SupplyLimits(), check)
    assert seen == [(Kind.SIGNATURES, ["a.yaml"])]
    assert simulator.newest("timestamp").read_bytes() == before


def test_others_may_change_the_feed_while_a_set_is_tried(simulator):
    simulator.publish()

    def check(files, kind):
        simulator.publish(role="crs")

    simulator.at().publish("ours", simulator.folder / "set1", "2", SupplyLimits(), check)
    assert [signed(simulator, role)["version"] for role in ("timestamp", "crs", "ours")] == [4, 2, 3]


def test_renewing(simulator):
    simulator.at().renew()
    assert [signed(simulator, role)["version"] for role in ("timestamp", "snapshot", "ours")] == [2, 2, 1]


def test_a_role_of_ones_own_and_a_second_key(simulator, tmp_path):
    at = simulator.at()
    first = at.add_key("mine", new=True)
    assert at.roles() == ["crs", "mine", "ours"]
    second = at.add_key("mine", threshold=2)
    (one,) = [r for r in signed(simulator, "targets")["delegations"]["roles"] if r["name"] == "mine"]
    assert (sorted(one["keyids"]), one["threshold"]) == (sorted((first, second)), 2)
    assert (one["paths"], one["terminating"]) == (["mine/*"], True)
    simulator.publish(role="mine")


def test_somebody_elses_key(simulator, tmp_path):
    theirs = Keys([tmp_path / "theirs"]).make("timestamp")
    assert simulator.at().add_key("timestamp", theirs) == theirs.keyid
    assert theirs.keyid in signed(simulator, "root")["roles"]["timestamp"]["keyids"]
    simulator.publish()


def test_more_root_keys(simulator):
    simulator.at().add_key("root", threshold=3)
    root = signed(simulator, "root")
    assert (len(root["roles"]["root"]["keyids"]), root["roles"]["root"]["threshold"], root["version"]) == (4, 3, 2)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda at: at.add_key("mine"), "no role 'mine'"),
        (lambda at: at.add_key("ours", new=True), "cannot be the name of a new role"),
        (lambda at: at.add_key("root", new=True), "cannot be the name of a new role"),
        (lambda at: at.add_key("../x", new=True), "cannot be the name of a new role"),
        (lambda at: at.add_key("ours", threshold=3), "2 keys can never give 3"),
        (lambda at: at.add_key("root", threshold=5), "4 keys can never give 5"),
        (lambda at: at.add_key("mine", threshold=2, new=True), "1 keys can never give 2"),
        (lambda at: at.rotate("mine"), "no role 'mine'"),
        (lambda at: at.rotate("root"), r"which key\? root has "),
        (lambda at: at.rotate("ours", "zz"), "no key of ours begins with 'zz'. ours has "),
    ],
)
def test_what_makes_no_sense(simulator, call, why):
    before = simulator.newest("timestamp").read_bytes()
    keys = sorted((simulator.folder / "keys").iterdir())
    with pytest.raises(ConfigError, match=why):
        call(simulator.at())
    assert simulator.newest("timestamp").read_bytes() == before
    assert sorted((simulator.folder / "keys").iterdir()) == keys


def test_a_change_that_is_refused_leaves_no_key(simulator):
    (key,) = (simulator.folder / "keys").glob("targets.*.pem")
    key.unlink()
    keys, at = sorted((simulator.folder / "keys").iterdir()), simulator.at()
    for _ in range(2):
        with pytest.raises(SupplyError, match="targets: it has 0 of 1 signatures"):
            at.add_key("ours", threshold=2)
    at.rotate("timestamp")
    assert len(list((simulator.folder / "keys").iterdir())) == len(keys) + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda at, sets: at.begin(("ours",)),
        lambda at, sets: at.publish("ours", sets, "1", SupplyLimits()),
        lambda at, sets: at.renew(),
        lambda at, sets: at.add_key("ours"),
        lambda at, sets: at.rotate("ours"),
    ],
    ids=["begin", "publish", "renew", "add_key", "rotate"],
)
def test_one_change_at_a_time(simulator, change):
    simulator.publish()
    files = sorted(simulator.folder.rglob("*"))
    with alone(simulator.folder / "lock", "busy"), pytest.raises(SupplyError, match="another change of this feed"):
        change(simulator.at(), simulator.folder / "set1")
    assert sorted(simulator.folder.rglob("*")) == files


def test_what_a_killed_change_left_is_gone_after_the_next(simulator):
    simulator.publish()
    left = [
        simulator.folder / place / ".845bc695ddfceccc" for place in ("public/metadata", "public/targets/ours", "keys")
    ]
    for path in left:
        path.touch()
    simulator.at().renew()
    assert not [path for path in left if path.exists()]


def test_no_folder_is_made_where_there_is_no_feed(tmp_path):
    at = Repository(tmp_path / "none", Keys([tmp_path / "keys"]), datetime.now(UTC))
    with pytest.raises(ConfigError, match="no feed here") as caught:
        at.publish("ours", tmp_path, "1", SupplyLimits())
    assert caught.value.hint == "revproxy feed init"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "roles",
    [
        ("root",),
        ("targets",),
        ("../../x",),
        ("",),
        ("a\nb",),
        ("a b",),
        ("1.root",),
        ("a/b",),
        ("x" * 300,),
        ("a", "a"),
    ],
)
def test_what_cannot_be_a_role_is_refused_before_anything_is_written(tmp_path, roles):
    at = Repository(tmp_path / "feed", Keys([tmp_path / "keys"]), datetime.now(UTC))
    with pytest.raises(ConfigError, match="cannot be the name of a new role"):
        at.begin(("ours", *roles))
    assert list(tmp_path.iterdir()) == []
