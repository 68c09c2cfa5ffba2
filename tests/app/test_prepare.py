"""Everything that can fail, fails here."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from revproxy.app.prepare import prepare, read_rules
from revproxy.config import Settings
from revproxy.config.settings import (
    Address,
    Certificate,
    Inspection,
    Listener,
    ListenerKind,
    ListenerTls,
    Upstream,
    UpstreamTls,
)
from revproxy.errors import LocatedError, ManyErrors

Make = Callable[..., Settings]


def test_prepared_goes_to_the_workers(settings: Make) -> None:
    prepared = prepare(settings())
    again = pickle.loads(pickle.dumps(prepared))
    assert again.ruleset_name == prepared.ruleset_name == prepared.rules.name
    assert again.settings == prepared.settings
    assert [rule.id for rule in again.rules.rules] == ["one"]
    assert Path(prepared.settings.spool).is_dir()


def test_compiled_once(settings: Make) -> None:
    made = settings()
    prepare(made)
    kept = sorted(os.listdir(made.cache))
    assert kept
    times = [os.stat(Path(made.cache) / name).st_mtime_ns for name in kept]
    prepare(made)
    assert [os.stat(Path(made.cache) / name).st_mtime_ns for name in kept] == times


def test_disabled_signatures_are_left_out(settings: Make) -> None:
    made = settings()
    kept = Inspection(signatures=made.inspection.signatures, disabled=("one",))
    assert read_rules(settings(inspection=kept)) == []


BROKEN = Listener(
    "web",
    ListenerKind.HTTP,
    Address("127.0.0.1", 0),
    tls=ListenerTls((Certificate("/nowhere/a.pem", "/nowhere/a.key"),)),
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"inspection": Inspection(signatures=("/nowhere/at/all.yaml",))},
        {"upstreams": (Upstream("inside", Address("127.0.0.1", 1), tls=UpstreamTls(ca="/nowhere/ca.pem")),)},
        {"spool": "/dev/null/spool"},
        {"listeners": (BROKEN,)},
    ],
)
def test_what_is_wrong_is_named(settings: Make, wrong: dict[str, object]) -> None:
    with pytest.raises((LocatedError, ManyErrors, OSError)) as caught:
        prepare(settings(**wrong))
    assert str(caught.value)


def test_a_bad_signature_is_named_with_its_place(settings: Make, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("signatures:\n  - id: two\n    nonsense: true\n")
    with pytest.raises((LocatedError, ManyErrors), match=r"bad\.yaml:3:"):
        prepare(settings(inspection=Inspection(signatures=(str(bad),))))
