from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pytest

from revproxy.app.order import Tried
from revproxy.app.release import Proof, bring_release, opened
from revproxy.app.supply import Supply
from revproxy.config import Feeds
from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.feeds import Source
from revproxy.updates.manifest import read_manifest

SETUP = b'SecAction "id:900990,phase:1,pass,t:none,nolog,\\\n    setvar:tx.crs_setup_version=%d"\n'


def release(version=4280, **files):
    """An archive as the project's releases are: all in one folder, with much beside the rules."""
    held = {
        "crs-setup.conf.example": SETUP % version,
        "rules/REQUEST-901-INITIALIZATION.conf": b"SecRule ARGS attack id:1,phase:2,deny",
        "rules/words.data": b"one\n",
        "rules/EXCLUSION.conf.example": b"",
        "tests/regression/a.yaml": b"",
        ".github/workflows/b.yml": b"",
        **files,
    }
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in held.items():
            if data is not None:
                entry = tarfile.TarInfo(f"coreruleset-4.28.0/{name}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


@pytest.fixture
def supply(settings, tmp_path):
    return Supply("revproxy.yaml", settings(feeds=Feeds(str(tmp_path / "feeds"))), lambda *_: Tried(1, 0, ""))


@pytest.fixture
def brought(supply, tmp_path):
    def bring(data, sha256=None):
        (tmp_path / "r.tar.gz").write_bytes(data)
        proof = Proof(sha256=sha256 or hashlib.sha256(data).hexdigest())
        return bring_release(supply, str(tmp_path / "r.tar.gz"), proof, SupplyLimits())

    return bring


def test_only_the_rules_are_taken(tmp_path):
    (tmp_path / "archive").write_bytes(release())
    files = opened(tmp_path / "archive", tmp_path / "into", SupplyLimits())
    assert sorted(files) == [
        "files/crs-setup.conf.example",
        "files/rules/REQUEST-901-INITIALIZATION.conf",
        "files/rules/words.data",
        "manifest.json",
    ]
    manifest = read_manifest((tmp_path / "into/manifest.json").read_bytes())
    assert (manifest.name, manifest.version, manifest.number) == ("crs", "4.28.0", 4_028_000)


def test_a_release_comes_into_force(supply, brought):
    outcome = brought(release())
    assert outcome.word == "in force"
    assert "inspection.rules does not name feed:crs" in outcome.text
    assert brought(release(4290)).word == "in force"
    assert supply.feeds.find("crs").sets.previous
    # Somebody who holds an old release holds a good signature of it, too.
    outcome = brought(release(4280))
    assert "number 4028000 is older than 4029000" in outcome.text
    (one,) = supply.update()
    assert one.word == "unchanged"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (release(**{"crs-setup.conf.example": None}), "no release of OWASP CRS"),
        (release(**{"crs-setup.conf.example": b"nothing"}), "does not say which version"),
        (b"nonsense", "no sound tar archive"),
    ],
)
def test_what_is_no_release(brought, data, why):
    outcome = brought(data)
    assert outcome.word == "refused"
    assert why in outcome.text


def test_what_nobody_vouches_for(supply, brought, tmp_path):
    with pytest.raises(SupplyError, match="its SHA-256 is"):
        brought(release(), "0" * 64)
    with pytest.raises(SupplyError, match="is not there"):
        bring_release(supply, str(tmp_path / "missing"), Proof(sha256="0"), SupplyLimits())
    with pytest.raises(SupplyError, match=r"\.asc: is not there"):
        bring_release(supply, str(tmp_path / "r.tar.gz"), Proof(fingerprint="A" * 40), SupplyLimits())
    assert supply.feeds.names() == []


def test_a_feed_is_no_place_for_a_release(supply, brought, simulator):
    simulator.publish(role="crs")
    supply.add("", Source(str(simulator.public), "crs"), simulator.root)
    with pytest.raises(SupplyError, match="its sets come from"):
        brought(release())


def test_where_the_newest_one_came_from_is_told(supply, brought, tmp_path):
    brought(release())
    supply.feeds.find("crs").moved(Source("elsewhere"))
    assert brought(release(4290)).word == "in force"
    assert supply.feeds.find("crs").source == Source(str(tmp_path / "r.tar.gz"))
    supply.feeds.find("crs").moved(Source("elsewhere"))
    assert brought(release(4270)).word == "refused"
    assert supply.feeds.find("crs").source == Source("elsewhere")


def test_a_pinned_one_stays(supply, brought):
    assert brought(release()).word == "in force"
    supply.pin("crs")
    with pytest.raises(SupplyError, match="`revproxy signatures pin crs --off`"):
        brought(release(4290))
