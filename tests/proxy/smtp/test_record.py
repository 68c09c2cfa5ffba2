"""Records and metrics of messages and of sessions that we end."""

from __future__ import annotations

import json

from revproxy.audit import Metrics
from revproxy.model import Action, Finding, Phase, Protocol, Severity, Transaction, Verdict
from revproxy.protocols.smtp import Address, parse_mail
from revproxy.proxy.smtp.envelope import Client, Envelope
from revproxy.proxy.smtp.record import Outcome, Recorder


def test_a_denied_message(request):
    lines: list[bytes] = []
    errors: list[bytes] = []
    records = type("Records", (), {"access": lines.append, "audit": lines.append, "error": errors.append})()
    metrics = Metrics()
    recorder = Recorder(records, metrics, "mx", lambda: 1_700_000_000.0, lambda: 10.0)
    transaction = Transaction("t1", Protocol.SMTP)
    transaction.findings.append(Finding("MAIL-1", Phase.BODY, Severity.CRITICAL, 5, "bad", "files", b"", b"a.exe"))
    envelope = Envelope(parse_mail(b"FROM:<a@out.example>"), transaction, 9.5)
    envelope.recipients.append(Address(b"b", b"one.example"))
    outcome = Outcome("550 5.7.1 no", Verdict(Action.DENY, 5, "score"), "", 123)
    recorder.message(Client("192.0.2.1", 5, helo=b"x\n\x1b"), envelope, outcome, "set1")
    access, finding = map(json.loads, lines)
    assert (access["code"], access["verdict"], access["rules"], access["ms"]) == (550, "deny", ["MAIL-1"], 500.0)
    assert b"\x1b" not in lines[0]
    assert (finding["rule"], finding["route"], finding["ruleset"]) == ("MAIL-1", "one.example", "set1")
    assert b'[id "MAIL-1"] [msg "bad"]' in errors[0]
    assert metrics.counter("revproxy_findings_total")[("MAIL-1",)] == 1
    assert metrics.counter("revproxy_messages_total")[("deny",)] == 1


def test_no_reply_no_code():
    assert Outcome().code == 0
