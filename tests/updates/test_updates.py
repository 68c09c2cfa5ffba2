"""From a feed to what is in force, with everything that may go wrong on the way: whatever it is, it is refused, what
was in force still is, and a record says where it ended and why. Trials run in processes of their own."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from simulator import signature
from tuf.api.metadata import TargetFile

from revproxy.app import supply as supply_module
from revproxy.app.order import Tried
from revproxy.app.supply import Supply
from revproxy.app.trying import tried
from revproxy.config.loading import load
from revproxy.model import SupplyLimits
from revproxy.net.download import Downloader
from revproxy.updates.feeds import Source
from revproxy.updates.manifest import Kind, content_of
from revproxy.updates.metadata import target_of
from revproxy.updates.pack import pack

CONFIG = """\
listeners:
  - {name: web, kind: http, bind: "127.0.0.1:0"}
upstreams: {inside: "127.0.0.1:1"}
routes:
  - {path: /, upstream: inside}
inspection: {signatures: ["feed:ours"]}
feeds: {folder: feeds}
control: {path: control.sock}
cache: cache
"""
MANY = signature().partition("  - id")[0] + "".join(
    signature(f"n{n}", f"a{n}.{{1,300}}b.{{1,300}}c").partition("signatures:\n")[2] for n in range(400)
)
"""Bounded repeats: whoever compiles them needs many seconds."""


class Front:
    """A front end that has accepted the first set of `ours`, and takes what is published."""

    def __init__(self, simulator, folder, try_set):
        (folder / "revproxy.yaml").write_text(CONFIG)
        self.simulator, self.file = simulator, str(folder / "revproxy.yaml")
        self._try = try_set
        self.limits()
        simulator.publish()
        outcome = self.supply.add("", Source(str(simulator.public), "ours"), simulator.root)
        assert outcome.word == "in force", outcome
        self.feed = self.supply.feeds.find("ours")

    def limits(self, **changes):
        settings = load(self.file).settings
        limits = replace(settings.limits, supply=replace(settings.limits.supply, **changes))
        self.supply = Supply(self.file, replace(settings, limits=limits), self._try)

    @property
    def state(self):
        """All that is in force, to the byte."""
        files = self.feed.sets.check(self.feed.sets.current)
        return (
            self.feed.sets.current,
            self.feed.sets.previous,
            {path.name: path.read_bytes() for path in files.rglob("*.yaml")},
        )

    def update(self, asked=True):
        (outcome,) = self.supply.update(asked=asked)
        return outcome

    def refuses(self, why, step):
        """Whatever is offered now."""
        before, files = self.state, set(os.listdir(self.feed.folder))
        outcome = self.update()
        assert (outcome.word, self.state) == ("refused", before), outcome
        assert why in outcome.text
        record = self.supply.feeds.history()[-1]
        assert (record["outcome"], record["step"], record["current"]) == ("refused", step, before[0])
        assert why in record["text"]
        # Nothing is left of it.
        assert set(os.listdir(self.feed.folder)) == files
        assert set(os.listdir(self.feed.folder / "sets")) <= {before[0], before[1], self.rejected}
        return outcome

    rejected = ""
    """A set that was whole, and failed its trial, may lie on disk until the next one comes into force."""


@pytest.fixture
def front(simulator, tmp_path):
    """Its trials let everything pass: what it refuses was refused before."""
    return Front(simulator, tmp_path, lambda order, seconds: Tried(1, 2, ""))


@pytest.fixture
def trying(simulator, tmp_path):
    """Its trials are real."""
    return Front(simulator, tmp_path, tried)


def offer(simulator, data, role="ours"):
    """Publish these bytes, properly signed: whoever holds the keys of the role may be hostile himself."""
    digest = hashlib.sha256(data).hexdigest()
    place = simulator.public / f"targets/{role}/{digest}.set.tar.gz"
    place.write_bytes(data)

    def with_target(signed):
        signed.targets = {target_of(role): TargetFile.from_data(target_of(role), data, ["sha256"])}

    simulator.forge(role, with_target, (role,))
    simulator.list_as(role, json.loads(simulator.newest(role).read_bytes())["signed"]["version"])


def test_a_newer_set_comes_into_force(front, simulator):
    before = front.state
    simulator.publish(signature("two"))
    outcome = front.update()
    assert outcome.word == "in force"
    assert "1 rules, 2 samples; no front end runs" in outcome.text
    assert front.feed.sets.previous == before[0]
    assert b"id: two" in front.state[2]["a.yaml"]
    assert front.update().word == "unchanged"


# ---- the way to the feed, and the feed


def test_rollback(front, simulator):
    old = simulator.saved()
    simulator.publish()
    front.update()
    simulator.serve(old)
    front.refuses("older than what was accepted before", "trust")
    shutil.rmtree(front.feed.folder / "trust")
    (front.feed.folder / "trust").mkdir()
    front.refuses("timestamp is version 2; 3 was accepted before", "trust")


def test_freeze(front, simulator):
    simulator.publish(days=8)
    front.refuses("its time is over", "trust")


def test_mix_and_match(front, simulator):
    old = simulator.newest("ours").read_bytes()
    simulator.publish()
    simulator.newest("ours").write_bytes(old)
    front.refuses("not the file that was signed", "trust")


def test_wrong_signatures(front, simulator):
    simulator.forge("timestamp", lambda signed: None)
    front.refuses("signatures are wrong or too few", "trust")


class Endless(Downloader):
    """Never stops."""

    def pieces(self, place: str) -> Iterator[bytes]:
        return super().pieces(place) if "set.tar" not in place else itertools.repeat(b"x" * 65_536)


def test_endless_data(front, simulator, monkeypatch):
    simulator.publish()
    monkeypatch.setattr(supply_module, "Downloader", Endless)
    front.refuses("longer than was signed", "trust")


def test_slow_retrieval(front, simulator, monkeypatch):
    simulator.publish()
    ticks = itertools.count(0, 20.0)
    slow = Downloader(SupplyLimits(), clock=lambda: next(ticks))
    monkeypatch.setattr(supply_module, "Downloader", lambda *_: slow)
    front.refuses("bytes a second", "fetch")


def test_a_feed_that_is_gone(front, simulator):
    shutil.rmtree(simulator.public)
    front.refuses("is not there", "fetch")


# ---- archives


def tarred(*entries):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, kind, data, link in entries:
            made = tarfile.TarInfo(name)
            made.type, made.size, made.linkname = kind, len(data), link
            tar.addfile(made, io.BytesIO(data))
    return gzip.compress(plain.getvalue())


FILE = tarfile.REGTYPE
ARCHIVES = {
    "path escape": (tarred(("../../x", FILE, b"x", "")), "no name for a file"),
    "symbolic link": (tarred(("files", tarfile.SYMTYPE, b"", "/etc")), "is a symbolic link"),
    "hard link": (tarred(("files/a.yaml", tarfile.LNKTYPE, b"", "/etc/passwd")), "is a hard link"),
    "device": (tarred(("files/a.yaml", tarfile.CHRTYPE, b"", "")), "is a device"),
    "FIFO": (tarred(("files/a.yaml", tarfile.FIFOTYPE, b"", "")), "is a FIFO"),
    "twice": (tarred(*[("files/a.yaml", FILE, b"x", "")] * 2), "stands twice"),
    "too many": (tarred(*[(f"files/{n}.yaml", FILE, b"", "") for n in range(51)]), "more than 50 entries"),
    "bomb": (tarred(("files/a.yaml", FILE, b"\0" * 5_000_000, "")), "larger than 1000000 bytes"),
    "bomb in pieces": (
        tarred(*[(f"files/{n}.yaml", FILE, b"\0" * 900_000, "") for n in range(9)]),
        "more than 2000000 bytes",
    ),
    "no archive": (b"nonsense", "no sound tar archive"),
    "no manifest": (tarred(("files/a.yaml", FILE, b"x", "")), "no manifest.json"),
    "stray": (
        gzip.compress(gzip.decompress(pack({"a.yaml": b""}, Kind.SIGNATURES, "ours", 9, "9")) + b"\0" * 9**8),
        "decompresses to more than",
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_hostile_archives(front, simulator, name):
    data, why = ARCHIVES[name]
    front.limits(files=50, file_bytes=1_000_000, unpacked_bytes=2_000_000)
    offer(simulator, data)
    step = "manifest" if name == "no manifest" else "unpack"
    front.refuses(why, step)


def test_an_archive_that_is_too_large(front, simulator):
    front.limits(archive_bytes=100)
    simulator.publish()
    front.refuses("larger than 100 bytes", "trust")


def test_manifests_that_do_not_belong_here(front, simulator):
    files = {"a.yaml": signature("other").encode()}
    front.rejected = content_of(files)
    offer(simulator, pack(files, Kind.SIGNATURES, "crs", 9, "9"))
    front.refuses("a set of 'crs', not of 'ours'", "manifest")
    offer(simulator, pack(files, Kind.SIGNATURES, "ours", 1, "9"))
    front.refuses("number 1 is older than 2, which was in force before", "manifest")
    data = pack(files, Kind.SIGNATURES, "ours", 9, "9")
    plain = gzip.decompress(data).replace(b"id: other", b"id: evil!")
    offer(simulator, gzip.compress(plain))
    front.refuses("not those that the manifest was made for", "unpack")


# ---- what is in it


def test_a_set_that_does_not_compile(trying, simulator):
    text = signature("two", pattern="(")
    trying.rejected = content_of({"a.yaml": text.encode()})
    simulator.publish(text)
    outcome = trying.refuses("a.yaml:8", "compile")
    assert "hint" not in outcome.text or "two" in outcome.text


def test_a_set_whose_samples_fail(trying, simulator):
    text = signature("two", match="harmless indeed")
    trying.rejected = content_of({"a.yaml": text.encode()})
    simulator.publish(text)
    trying.refuses("1 failed", "samples")


def test_a_set_that_needs_more_memory_than_there_is(trying, simulator):
    trying.limits(trial_memory_bytes=300 * 2**20)
    text = f"signatures: [{'a,' * 1_500_000}]"
    trying.rejected = content_of({"a.yaml": text.encode()})
    simulator.publish(text)
    trying.refuses("more memory than limits.supply.trial_memory_bytes", "compile")


def test_a_set_that_takes_too_long(trying, simulator):
    trying.limits(trial_cpu_seconds=1)
    trying.rejected = content_of({"a.yaml": MANY.encode()})
    simulator.publish(MANY)
    trying.refuses("more processor time than", "compile")


def test_a_set_in_another_language(front, simulator):
    files = {"a.conf": b"SecRule ARGS a 'id:1,phase:2,deny'"}
    front.rejected = content_of(files)
    offer(simulator, pack(files, Kind.SECLANG, "ours", 9, "9"))
    front.refuses("a set of seclang; what is in force is one of signatures", "manifest")


def test_what_was_refused_is_not_tried_again_by_itself(trying, simulator):
    text = signature("two", match="harmless indeed")
    trying.rejected = content_of({"a.yaml": text.encode()})
    simulator.publish(text)
    trying.refuses("1 failed", "samples")
    before = len(trying.supply.feeds.history())
    outcome = trying.update(asked=False)
    assert outcome.word == "unchanged"
    assert "refused before: samples: 1 failed" in outcome.text
    assert len(trying.supply.feeds.history()) == before
    simulator.publish(signature("three"))
    assert trying.update(asked=False).word == "in force"


# ---- what an operator does


def test_going_back_needs_nobody_and_lasts(front, simulator):
    first = front.state
    simulator.publish(signature("two"))
    front.update()
    shutil.move(simulator.public, simulator.folder / "gone")
    outcome = front.supply.rollback("ours")
    assert outcome.word == "rolled back"
    assert (front.state[0], front.state[2]) == (first[0], first[2])
    shutil.move(simulator.folder / "gone", simulator.public)
    assert "went back from it" in front.update(asked=False).text
    assert front.state[0] == first[0]
    simulator.publish(signature("three"))
    assert front.update(asked=False).word == "in force"


def test_pinned(front, simulator):
    before = front.state
    front.supply.pin("ours")
    simulator.publish(signature("two"))
    assert front.update().word == "pinned"
    assert front.state == before
    front.supply.pin("ours", False)
    assert front.update().word == "in force"
