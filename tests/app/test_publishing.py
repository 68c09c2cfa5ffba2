from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app.publishing import tried_alone
from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.manifest import Kind

LIMITS = SupplyLimits()


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "files").mkdir()

    def attempted(name, text, limits=LIMITS):
        (tmp_path / "files" / name).write_text(text)
        kind = Kind.SECLANG if name.endswith(".conf") else Kind.SIGNATURES
        tried_alone(Path("mine"), tmp_path / "files", kind, limits)

    return attempted


def test_good_sets(attempt, signatures):
    attempt("a.yaml", Path(signatures).read_text())
    attempt("a.conf", "SecRule ARGS 'attack' 'id:1,phase:2,deny'\n")


def test_sets_that_no_client_takes(attempt, signatures):
    good = Path(signatures).read_text()
    for name, text, why in (
        ("a.yaml", "{", r"compile: mine/a\.yaml:2"),
        ("a.yaml", good.replace("harmless", "attack-2"), r"samples: 1 failed: mine/a\.yaml.* one matches"),
        ("b.conf", "nonsense", r"compile: mine/b\.conf:1"),
    ):
        with pytest.raises(SupplyError, match=why):
            attempt(name, text)


def test_limits_hold(attempt, signatures):
    with pytest.raises(SupplyError, match="trial_seconds"):
        attempt("a.yaml", Path(signatures).read_text(), SupplyLimits(trial_seconds=0.05))
