"""The same through a real nginx as web server and a real Postfix as mail server, which tell what reached them."""

from __future__ import annotations

import itertools
import secrets

import attacks
import pytest
from servers import Front, Nginx, configuration, curl, swaks, until

pytestmark = pytest.mark.e2e

TO = "user@one.example"
_marks = itertools.count(1)


@pytest.fixture(scope="module")
def nginx(need, folder, started):
    need("nginx", "curl")
    made = Nginx(folder / "nginx")
    started.append(made)
    return made


@pytest.fixture(scope="module")
def front(need, nginx, postfix, folder, started):
    need("swaks")
    made = Front(folder / "front", configuration(folder / "front", nginx.port, postfix.port))
    started.append(made)
    return made


def arrived(front, nginx):
    """Targets of all requests that reached nginx, up to one that is sent now."""
    mark = f"/mark-{next(_marks)}"
    assert curl(front.url + mark)[0] == 200
    seen = until(lambda: lines if (lines := nginx.seen()) and mark in lines[-1] else None, "log line of nginx")
    return [line.split(" ")[1] for line in seen]


@pytest.mark.parametrize("name", attacks.CLEAN)
def test_clean_requests_arrive(front, nginx, name):
    target, options = attacks.CLEAN[name]
    before = len(arrived(front, nginx))
    assert curl(front.url + target, *options) == (200, "<p>a page of the real web server</p>")
    assert arrived(front, nginx)[before:-1] == [target]


def test_hostile_requests_do_not_arrive(front, nginx):
    before = len(arrived(front, nginx))
    answers = {name: curl(front.url + target, *options)[0] for name, (target, options) in attacks.HTTP.items()}
    assert answers == dict.fromkeys(attacks.HTTP, 403)
    assert arrived(front, nginx)[before:-1] == []


def test_each_refusal_is_recorded(front, nginx):
    # Of few digits: a number of 13 to 19 whose Luhn sum fits is masked as a payment card, and one in ten does.
    target = f"/only-here-{secrets.token_hex(4)}?id=1%27%20OR%20%271%27=%271"
    assert curl(front.url + target, "-H", "Authorization: Basic c2VjcmV0OnNlY3JldA==")[0] == 403
    (access,) = until(lambda: [r for r in front.records() if r.get("target") == target], "access record")
    assert (access["status"], access["verdict"]) == (403, "deny")
    audit = until(lambda: [r for r in front.records("audit.log") if r["id"] == access["id"]], "audit record")
    assert {record["rule"] for record in audit} == set(access["rules"])
    assert any(rule.startswith("sql-") for rule in access["rules"])
    assert "c2VjcmV0" not in (front.folder / "audit.log").read_text()


def test_a_file_of_nginx_comes_whole(front, nginx, tmp_path):
    """Byte for byte, by nginx's sendfile and with a range."""
    content = bytes(range(256)) * 4096
    (nginx.folder / "www/files/a.bin").write_bytes(content)
    assert curl(f"{front.url}/files/a.bin", "-o", str(tmp_path / "a"))[0] == 200
    assert (tmp_path / "a").read_bytes() == content
    assert curl(f"{front.url}/files/a.bin", "-r", "1000-1999", "-o", str(tmp_path / "b"))[0] == 206
    assert (tmp_path / "b").read_bytes() == content[1000:2000]


def deliver(front, postfix, subject, *options):
    """Send a message; what the Maildir holds once it is there."""
    code, dialogue = swaks(front.ports["mail"], TO, "--h-Subject", subject, *options)
    assert code == 250, dialogue
    wanted = f"Subject: {subject}\n".encode()
    return until(lambda: [m for m in postfix.delivered() if wanted in m], f"{subject} in the Maildir")


def test_a_clean_message_is_delivered_with_the_reply_of_the_inside(front, postfix):
    code, dialogue = swaks(front.ports["mail"], TO, "--h-Subject", "first", "--body", "hello\n.dot\n")
    assert code == 250, dialogue
    assert "<-  250 2.0.0 Ok queued as" in dialogue
    assert "store7" not in dialogue
    (message,) = until(lambda: [m for m in postfix.delivered() if b"Subject: first\n" in m], "message")
    assert b"\n.dot\n" in message
    assert b"by mx.example with ESMTP" in message


def test_hostile_messages_do_not_arrive(front, postfix, tmp_path):
    before = len(postfix.delivered())
    for path in attacks.messages(tmp_path).values():
        code, dialogue = swaks(front.ports["mail"], TO, "--data", f"@{path}")
        assert code == 550, dialogue
    # Postfix delivers in order of arrival: what had come before this one would be there or in the queue.
    deliver(front, postfix, "mark")
    until(lambda: not postfix.queued(), "empty queue")
    assert len(postfix.delivered()) == before + 1


def test_no_relay_through_a_postfix_that_trusts_us(front, postfix):
    for recipient in ("x@elsewhere.example", "x%elsewhere.example@one.example", "@one.example:x@elsewhere.example"):
        code, dialogue = swaks(front.ports["mail"], recipient)
        assert 550 <= code <= 559, dialogue


def test_the_inside_refuses_an_unknown_recipient_while_the_client_waits(front):
    code, dialogue = swaks(front.ports["mail"], "nobody@one.example")
    assert code == 550, dialogue
    assert "<** 550 5.1.1 " in dialogue


def test_postfix_stopped_and_started(front, postfix):
    before = len(postfix.delivered())
    postfix.command("stop")
    try:
        code, dialogue = swaks(front.ports["mail"], TO)
        assert code == 451, dialogue
    finally:
        postfix.command("start")
    deliver(front, postfix, f"again-{secrets.token_hex(4)}")
    assert len(postfix.delivered()) == before + 1
