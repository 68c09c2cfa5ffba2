"""The demo as a person meets it: curl and swaks against it, its internal mail server stopped and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import attacks
import pytest
from servers import REVPROXY, Inside, Process, accepts, curl, free_port, swaks, until

pytestmark = pytest.mark.e2e

TO = "someone@example.org"
_KILL = re.compile(r"kill ([0-9]+) .*demo-inside mail 127\.0\.0\.1:([0-9]+) --tell ([0-9]+)")


class Demo(Process):
    """`revproxy demo`, once it has shown its table and stays up."""

    def __init__(self, folder):
        self.web, self.mail = free_port(), free_port()
        command = [*REVPROXY, "demo", "--http", f"127.0.0.1:{self.web}", "--smtp", f"127.0.0.1:{self.mail}"]
        super().__init__(command, folder / "demo.stderr", env={**os.environ, "COLUMNS": "200"})
        self.url = f"http://127.0.0.1:{self.web}"
        # What a person is told to type is what this test does.
        self.inside, self.inside_mail, self.inside_tell = map(int, _KILL.search(self.line_with("kill ")).groups())
        self.line_with("Records: ")

    def mailbox(self):
        """How many messages the internal mail server holds, and the last of them."""
        status, body = curl(f"{self.url}/mailbox")
        assert status == 200, body
        return json.loads(body)


@pytest.fixture(scope="module")
def demo(need, folder, started):
    need("curl", "swaks")
    made = Demo(folder)
    started.append(made)
    return made


def test_once(tmp_path):
    http, smtp = free_port(), free_port()
    command = [*REVPROXY, "demo", "--once", "--http", f"127.0.0.1:{http}", "--smtp", f"127.0.0.1:{smtp}"]
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=wide)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "18 of 18 as expected" in done.stdout
    for told in ("signature", "file-eicar", "lookup-jndi", "reached the inside"):
        assert told in done.stdout
    assert not accepts(http)
    assert not accepts(smtp)


def test_the_table_is_as_expected(demo):
    assert any("18 of 18 as expected" in line for line in demo.output)


@pytest.mark.parametrize("name", attacks.CLEAN)
def test_clean_requests_arrive(demo, name):
    target, options = attacks.CLEAN[name]
    status, body = curl(demo.url + target, *options)
    assert status == 200, body
    assert json.loads(body)["target"] == target


@pytest.mark.parametrize("name", attacks.HTTP)
def test_hostile_requests_are_refused(demo, name):
    target, options = attacks.HTTP[name]
    status, body = curl(demo.url + target, *options)
    assert status == 403, body
    assert "passwd" not in body


def test_a_clean_message_gets_the_answer_of_the_inside(demo):
    before = demo.mailbox()["messages"]
    code, dialogue = swaks(demo.mail, TO, "--h-Subject", "clean")
    assert code == 250, dialogue
    assert f"<-  250 2.0.0 kept as number {before + 1}" in dialogue
    after = demo.mailbox()
    assert after["messages"] == before + 1
    assert after["last"][-1]["to"] == [TO]


def test_hostile_messages_are_refused_and_not_delivered(demo, tmp_path):
    before = demo.mailbox()["messages"]
    for path in attacks.messages(tmp_path).values():
        code, dialogue = swaks(demo.mail, TO, "--data", f"@{path}")
        assert code == 550, dialogue
        assert "5.7.1 Message refused by policy, id " in dialogue
    assert demo.mailbox()["messages"] == before


def test_no_relay(demo):
    before = demo.mailbox()["messages"]
    code, dialogue = swaks(demo.mail, "someone@elsewhere.example")
    assert code == 550, dialogue
    assert demo.mailbox()["messages"] == before


def test_the_internal_mail_server_stopped_and_started_again(demo, folder, started):
    os.kill(demo.inside, signal.SIGTERM)
    until(lambda: not accepts(demo.inside_mail), "end of the internal mail server")
    code, dialogue = swaks(demo.mail, TO)
    assert code == 451, dialogue
    assert curl(f"{demo.url}/mailbox")[0] == 503
    again = Inside(folder, "mail", "--tell", str(demo.inside_tell), port=demo.inside_mail)
    started.append(again)
    code, dialogue = swaks(demo.mail, TO)
    assert code == 250, dialogue
    assert demo.mailbox()["messages"] == 1
