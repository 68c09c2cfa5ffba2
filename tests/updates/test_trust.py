"""What an attacker may do to a feed, and to the way to it: nothing is believed that should not be."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from tuf.api.metadata import MetaFile

from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits
from revproxy.net.download import Downloader
from revproxy.updates.trust import Client, is_root


def nothing(_):
    """A change that is none, but for the version."""


def refused(believer, why, step="trust", **more):
    before = dict(believer.known)
    with pytest.raises(SupplyError, match=why) as caught:
        believer.look(**more)
    assert caught.value.step == step
    assert believer.known == before
    return caught.value


def test_a_newer_set_is_taken(simulator, believer):
    digest = simulator.publish()
    found = believer.look()
    assert (found.digest, found.versions["ours"]) == (digest, 3)
    assert found.length == (believer.folder / "archive").stat().st_size


def test_nothing_new(believer):
    assert believer.look() == believer.look()


# ---- an attacker on the path, without any key


def test_rollback(simulator, believer):
    old = simulator.saved()
    simulator.publish()
    believer.look()
    simulator.serve(old)
    refused(believer, "older than what was accepted")


def test_rollback_when_python_tufs_memory_is_gone(simulator, believer):
    old = simulator.saved()
    simulator.publish()
    believer.look()
    simulator.serve(old)
    believer.forget()
    refused(believer, "timestamp is version 2; 3 was accepted before")


def test_freeze(simulator, believer):
    """The newest that an attacker lets through was made eight days ago."""
    simulator.publish(days=8)
    refused(believer, "its time is over")


@pytest.mark.parametrize(("role", "days"), [("snapshot", 31), ("ours", 181), ("targets", 366), ("root", 366)])
def test_everything_has_its_time(simulator, believer, role, days):
    """All but this one thing was made today."""
    if role == "ours":
        simulator.publish(days=days)
    elif role == "snapshot":
        simulator.at(days).renew()
    else:
        simulator.at(days).rotate(role, simulator.keyids(role)[0][:8])
    if role == "snapshot":
        simulator.forge("timestamp", lasting, ("timestamp",))
    else:
        simulator.at().renew()
    refused(believer, "its time is over")


def lasting(signed):
    signed.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)


def test_mix_and_match_an_old_snapshot_below_a_new_timestamp(simulator, believer):
    old = simulator.newest("snapshot").read_bytes()
    simulator.publish()
    simulator.newest("snapshot").write_bytes(old)
    refused(believer, "not the file that was signed")


@pytest.mark.parametrize("role", ["ours", "targets"])
def test_mix_and_match_an_old_role_in_a_new_snapshot(simulator, believer, role):
    old = simulator.newest(role).read_bytes()
    if role == "targets":
        simulator.at().rotate("targets")
    else:
        simulator.publish()
    simulator.newest(role).write_bytes(old)
    refused(believer, "not the file that was signed|signatures are wrong")


def test_another_roles_set(simulator, believer):
    """A good archive of another role in the place of ours."""
    other = simulator.publish(role="crs")
    mine = simulator.publish()
    targets = simulator.public / "targets"
    shutil.copy(targets / f"crs/{other}.set.tar.gz", targets / f"ours/{mine}.set.tar.gz")
    refused(believer, "not the file that was signed|longer than was signed")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "ours", "root"])
def test_a_byte_that_was_changed(simulator, believer, role):
    simulator.at().rotate("root", simulator.keyids("root")[0][:8])
    simulator.at().rotate("targets")
    simulator.publish()
    path = simulator.newest(role)
    path.write_bytes(path.read_bytes().replace(b'"expires": "20', b'"expires": "21', 1))
    refused(believer, "signatures are wrong|not the file that was signed")


@pytest.mark.parametrize("role", ["timestamp", "root"])
@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 10_000, b"\xff", b'{"signed": {"_type": "root"}}'])
def test_what_is_no_metadata(simulator, believer, role, data):
    name = "timestamp.json" if role == "timestamp" else "2.root.json"
    (simulator.public / "metadata" / name).write_bytes(data)
    refused(believer, "no sound metadata")


def test_signatures_by_nobody_who_counts(simulator, believer):
    simulator.forge("timestamp", nothing)
    refused(believer, "signatures are wrong or too few")


@pytest.mark.parametrize("times", [1, 3])
def test_too_few_signatures(simulator, believer, times):
    """One of the two that root asks for, however often it stands there; so much for one stolen key of three."""
    data = json.loads(simulator.forge("root", nothing, ("root",)))
    data["signatures"] = data["signatures"][:1] * times
    (simulator.public / "metadata/2.root.json").write_text(json.dumps(data))
    refused(believer, "signatures are wrong or too few" if times == 1 else "no sound metadata")


def test_what_is_not_there(simulator, believer):
    refused(believer, "nothing for 'mine'", role="mine")
    shutil.rmtree(simulator.public / "targets")
    refused(believer, "is not there", step="fetch")
    shutil.rmtree(simulator.public / "metadata")
    refused(believer, "is not there", step="fetch")


@pytest.mark.parametrize("url", ["http://localhost:1", "https://127.0.0.1:1"])
def test_a_feed_that_cannot_be_reached(believer, url):
    refused(believer, "only https|Connect", step="fetch", url=url)


@pytest.fixture
def served(simulator, tmp_path):
    """The feed behind a real HTTPS server, and the authority that vouches for it."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    handler = functools.partial(Quiet, directory=str(simulator.public))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_port}", str(tmp_path / "ca.pem")
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, *_):
        """Nothing."""


def test_a_feed_over_https(simulator, believer, served):
    url, ca = served
    simulator.at().rotate("root", simulator.keyids("root")[0][:8])
    digest = simulator.publish()
    refused(believer, "CERTIFICATE_VERIFY_FAILED", step="fetch", url=url)
    found = believer.look(url=url, downloader=Downloader(SupplyLimits(), ca))
    assert (found.digest, found.versions["root"]) == (digest, 2)
    assert (believer.folder / "archive").stat().st_size == found.length


class Endless(Downloader):
    """Never stops sending the file with this name in it."""

    def __init__(self, name: str) -> None:
        super().__init__(SupplyLimits())
        self._name, self.sent = name, 0

    def pieces(self, place: str) -> Iterator[bytes]:
        if self._name not in place:
            yield from super().pieces(place)
            return
        while True:
            self.sent += 65_536
            yield b" " * 65_536


@pytest.mark.parametrize("name", ["root.json", "timestamp.json", "snapshot.json", "ours.json", "set.tar.gz"])
def test_endless_data(simulator, believer, name):
    simulator.publish()
    downloader = Endless(name)
    refused(believer, "longer than was signed", downloader=downloader)
    assert downloader.sent < 10_000_000


def test_slow_retrieval(simulator, believer):
    simulator.publish()
    ticks = itertools.count(0, 20.0)
    slow = Downloader(SupplyLimits(), clock=lambda: next(ticks))
    refused(believer, "bytes a second|within 300 s", step="fetch", downloader=slow)


def test_a_set_that_is_too_large(simulator, believer, tmp_path):
    client = Client(tmp_path / "c", str(simulator.public), simulator.root, Downloader(simulator.limits), 100)
    with pytest.raises(SupplyError, match="larger than 100 bytes"):
        client.look("ours", {})


# ---- keys that are exchanged, and keys that were stolen


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp", "ours"])
def test_rotation_is_followed_and_the_old_key_counts_no_more(simulator, believer, role):
    old = simulator.keyids(role)[0]
    simulator.at().rotate(role, old[:8])
    simulator.publish()
    believer.look()
    assert old not in simulator.keyids(role)
    simulator.forge(role, nothing, keyids=(old,))
    if role in ("targets", "ours"):
        version = json.loads(simulator.newest(role).read_bytes())["signed"]["version"]
        simulator.list_as(role, version)
    elif role == "snapshot":
        simulator.forge("timestamp", following, ("timestamp",))
    refused(believer, "signatures are wrong or too few")


def following(signed):
    signed.snapshot_meta = MetaFile(signed.snapshot_meta.version + 1)


def test_a_client_that_was_away_for_many_rotations(simulator, believer):
    for _ in range(5):
        simulator.at().rotate("root", simulator.keyids("root")[0][:8])
        simulator.at().rotate("timestamp")
    simulator.publish()
    assert believer.look().versions["root"] == 11


def test_stolen_timestamp_key(simulator, believer):
    """Its thief can say that something is fresh, but not what."""
    simulator.forge("snapshot", nothing)
    simulator.forge("timestamp", following, ("timestamp",))
    refused(believer, "signatures are wrong or too few")


def test_stolen_timestamp_and_snapshot_keys(simulator, believer):
    """He can mix what was signed, but bring back nothing that is older."""
    simulator.publish()
    believer.look()
    simulator.list_as("ours", 2)
    refused(believer, "older than what was accepted")
    believer.forget()
    refused(believer, "ours is version 2; 3 was accepted before")


def test_stolen_key_of_one_role(simulator, believer):
    """Even with snapshot and timestamp at his service he signs nothing that another role is asked for."""
    simulator.publish(role="crs")
    believer.look("crs")

    def foreign(signed):
        target = signed.targets.pop("ours/set.tar.gz")
        target.path = "crs/set.tar.gz"
        signed.targets["crs/set.tar.gz"] = target

    simulator.forge("ours", foreign, ("ours",))
    simulator.list_as("ours", 3)
    assert believer.look("crs").versions["crs"] == 2
    refused(believer, "nothing for 'ours'")
    simulator.forge("crs", nothing, ("ours",))
    simulator.list_as("crs", 3)
    refused(believer, "signatures are wrong or too few", role="crs")


def test_stolen_targets_key_alone(simulator, believer):
    simulator.forge("targets", nothing, ("targets",))
    # Nothing names it: what was accepted is what is still offered.
    assert believer.look().versions["targets"] == 1


def test_versions_that_were_driven_up_are_recovered_from_by_root(simulator, believer):
    """With a stolen key an attacker has clients believe in a version that no publisher reaches."""
    good = simulator.saved()

    def far(signed):
        signed.version = 10**6

    simulator.forge("timestamp", far, ("timestamp",))
    believer.look()
    simulator.serve(good)
    simulator.publish()
    refused(believer, "older than what was accepted")
    simulator.at().rotate("timestamp")
    assert believer.look().versions["timestamp"] == 4


def test_a_root_that_is_none(simulator, tmp_path):
    for root in (b"", b"{}", simulator.newest("timestamp").read_bytes()):
        with pytest.raises(SupplyError, match="no sound metadata"):
            Client(tmp_path / "c", str(simulator.public), root, Downloader(simulator.limits), 10**6)


def test_roles_of_a_feed(simulator, tmp_path):
    client = Client(tmp_path / "c", str(simulator.public), simulator.root, Downloader(simulator.limits), 10**6)
    assert client.roles() == ["crs", "ours"]


def test_what_is_a_root(simulator):
    assert is_root(simulator.root)
    for other in (b"", b"{}", b"\xff", b"[]", b"[" * 100_000, simulator.newest("timestamp").read_bytes()):
        assert not is_root(other)
