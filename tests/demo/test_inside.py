"""The internal servers as processes: they tell where they are, and end when told to or when nobody is left."""

from __future__ import annotations

import json
import shlex
import signal
import smtplib
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from revproxy.demo.inside import COMMAND, Inside, InsideError

LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def mail() -> Iterator[Inside]:
    inside = Inside.start("mail", f"{LOCAL}:0")
    yield inside
    inside.stop()


def refuses(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(10)
        return sock.connect_ex((LOCAL, port)) != 0


def get(port: int, path: str = "/") -> dict:
    with urllib.request.urlopen(f"http://{LOCAL}:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def test_mail_and_what_it_holds_told_by_the_web_application(mail: Inside) -> None:
    assert set(mail.ports) == {"mail", "tell"}
    with smtplib.SMTP(LOCAL, mail.ports["mail"], "client.example", timeout=10) as session:
        session.sendmail("a@example.net", "b@example.org", "Subject: x\r\n\r\nhello\r\n")
    assert get(mail.ports["tell"])["messages"] == 1
    web = Inside.start("web", f"{LOCAL}:0", "--mailbox", f"http://{LOCAL}:{mail.ports['tell']}/")
    try:
        assert get(web.ports["web"], "/a?b")["target"] == "/a?b"
        assert get(web.ports["web"], "/mailbox")["last"][0]["to"] == ["b@example.org"]
    finally:
        web.stop()
    assert web.process.returncode == 0
    assert refuses(web.ports["web"])
    web.stop()  # that it is over already is no error


def test_it_ends_with_its_parent_and_not_on_the_terminals_ctrl_c(mail: Inside, capfd: pytest.CaptureFixture) -> None:
    inside = Inside.start("web", f"{LOCAL}:0")
    with open(f"/proc/{inside.process.pid}/stat", encoding="ascii") as stat:
        group = int(stat.read().rpartition(")")[2].split()[2])
    assert group == inside.process.pid
    inside.process.stdin.close()
    assert inside.process.wait(10) == 0
    inside.stop()
    assert capfd.readouterr().err == ""


def test_what_was_killed_can_be_stopped() -> None:
    inside = Inside.start("web", f"{LOCAL}:0")
    inside.process.send_signal(signal.SIGKILL)
    inside.stop()
    assert inside.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["web", "mail"])
def test_a_port_in_use(mail: Inside, kind: str, capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(InsideError, match=f"did not start: {kind}"):
        Inside.start(kind, f"{LOCAL}:{mail.ports['mail']}")
    said = capfd.readouterr().err
    assert "address already in use" in said
    assert "Traceback" not in said


def test_one_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revproxy.demo.inside._SECONDS_TO_END", 0.1)
    inside = Inside.start("web", f"{LOCAL}:0")
    inside.process.send_signal(signal.SIGSTOP)
    inside.stop()
    assert inside.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("stdin", ["null", "file", "closed"])
def test_without_a_parent_at_the_other_end_it_waits_for_a_signal(stdin: str, tmp_path: Path) -> None:
    for name in ("aiohttp", "revproxy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    (tmp_path / "file").write_text("x")
    shell = {"null": "</dev/null", "file": "<file", "closed": "<&-"}[stdin]
    command = f"exec {shlex.join([*COMMAND, 'web', f'{LOCAL}:0'])} {shell}"
    pipe = subprocess.PIPE
    with subprocess.Popen(command, shell=True, cwd=tmp_path, stdout=pipe, stderr=pipe) as process:
        line = process.stdout.readline()
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert "web" in json.loads(line)
    assert (process.returncode, said) == (0, b"")
