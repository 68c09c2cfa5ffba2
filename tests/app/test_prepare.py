"""Everything that can fail, fails here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from revproxy.app.prepare import prepare
from revproxy.config import Settings
from revproxy.config.settings import (
    Address,
    Certificate,
    Control,
    Exclusion,
    Inspection,
    Listener,
    ListenerKind,
    ListenerTls,
    Log,
    Logs,
    Upstream,
    UpstreamTls,
)
from revproxy.errors import ConfigError, LocatedError, Location, ManyErrors

Make = Callable[..., Settings]


def test_the_spool_is_made(settings: Make) -> None:
    assert Path(prepare(settings()).settings.spool).is_dir()


def test_compiled_once(settings: Make) -> None:
    made = settings()
    prepare(made)
    kept = sorted(os.listdir(made.cache))
    assert kept
    times = [os.stat(Path(made.cache) / name).st_mtime_ns for name in kept]
    prepare(made)
    assert [os.stat(Path(made.cache) / name).st_mtime_ns for name in kept] == times


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


def blame(message: str, place: tuple[str | int, ...], hint: str) -> ConfigError:
    return ConfigError(f"{place}: {message}", Location("r.yaml", 1, 1), hint=hint)


def test_every_address_of_another_machine_is_named(settings: Make) -> None:
    there = Address("192.0.2.1", 80)
    listeners = (Listener("a", ListenerKind.HTTP, Address("127.0.0.1", 80)), Listener("b", ListenerKind.HTTP, there))
    with pytest.raises(ManyErrors) as caught:
        prepare(settings(listeners=listeners, admin=there), blame)
    first, second = caught.value.errors
    assert "('listeners', 1, 'bind'): listener b cannot listen on 192.0.2.1:80" in first.message
    assert "('admin',): the admin listener cannot" in second.message
    assert "no interface" in first.hint


@pytest.mark.parametrize("path", ["", "/nowhere/control.sock", "x" * 108])
def test_a_control_socket_that_cannot_be(settings: Make, tmp_path: Path, path: str) -> None:
    with pytest.raises(ManyErrors, match=r"\('control', 'path'\): control"):
        prepare(settings(control=Control(str(tmp_path / path))), blame)


def test_log_files_that_cannot_be_written(settings: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "fifo", "nobody reads"),
        (tmp_path / "none/a.log", "no folder"),
    ):
        with pytest.raises(ManyErrors, match=r"\('logs', 'access', 'to'\): the access log") as caught:
            prepare(settings(logs=Logs(Log(f"file:{path}"), Log("none"))), blame)
        assert reason in str(caught.value)


def test_no_log_is_made_by_looking(settings: Make, tmp_path: Path) -> None:
    prepare(settings())
    assert not list(tmp_path.glob("*.log"))


def test_what_is_left_beside_the_rules(settings: Make, tmp_path: Path) -> None:
    """The rules may change in every way; anything else that workers are built from is noticed."""
    made = settings()
    before = prepare(made).rest
    file = Path(made.inspection.signatures[0])
    file.write_text(file.read_text().replace("attack-[0-9]", "other"))
    (tmp_path / "a.conf").write_text('SecRule ARGS "@rx a" "id:9,phase:2,deny"\n')
    rules = replace(made.inspection, rules=(str(tmp_path / "a.conf"),), paranoia=2, disabled=("one",))
    for inspection in (made.inspection, rules):
        assert prepare(settings(inspection=inspection)).rest == before
    assert prepare(settings(workers=2)).rest != before
    route = replace(settings().routes[0], exclusions=(Exclusion(("one",), path="/a"),))
    assert prepare(settings(routes=(route,))).rest != before
    assert prepare(settings(inspection=replace(made.inspection, inbound_threshold=9))).rest != before


def test_another_certificate_is_not_the_same_rest(settings: Make, tmp_path: Path) -> None:
    authority = trustme.CA()

    def prepared() -> str:
        issued = authority.issue_cert("a.example")
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "a.pem"))
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        certificate = Certificate(str(tmp_path / "a.pem"), str(tmp_path / "a.pem"))
        listener = replace(settings().listeners[0], tls=ListenerTls((certificate,)))
        upstream = Upstream("inside", Address("127.0.0.1", 1), tls=UpstreamTls(ca=str(tmp_path / "ca.pem")))
        return prepare(settings(listeners=(listener,), upstreams=(upstream,))).rest

    first = prepared()
    assert prepared() != first


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"user": "no-such-user"}, "no-such-user"),
        ({"broker_user": "no-such-user"}, "no-such-user"),
        ({"user": "root"}, "not to be root"),
        ({"broker_user": "0"}, "not to be root"),
    ],
)
def test_whom_workers_cannot_become(settings: Make, more: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        prepare(settings(**more))
    prepare(settings(**more, sandbox=False))


def test_a_sandbox_that_is_required_and_cannot_be_had(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revproxy.app.prepare.lacking", lambda: ("Landlock",))
    prepare(settings())
    with pytest.raises(ConfigError, match="Landlock"):
        prepare(settings(require_sandbox=True))


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_spool_is_given_to_the_workers(settings: Make, tmp_path: Path) -> None:
    prepare(settings(user="4242"))
    assert (tmp_path / "spool").stat().st_uid == 4242
    prepare(settings(user="4242"))
    with pytest.raises(ConfigError, match="cannot be written by 4343"):
        prepare(settings(user="4343"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    prepare(settings(user="4242", spool=str(tmp_path / "shared")))
    assert (tmp_path / "shared").stat().st_uid == 0, "a folder that others enter is nobody's gift"
    (tmp_path / "shared").chmod(0o755)
    with pytest.raises(ConfigError, match="cannot be written by 4242"):
        prepare(settings(user="4242", spool=str(tmp_path / "shared")))
