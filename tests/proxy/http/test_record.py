"""One access record for an exchange, one audit record for each finding, and the counters."""

from __future__ import annotations

import json
from collections.abc import Callable

from harness import get

from revproxy.audit import Metrics
from revproxy.model import Action, Finding, HttpLimits, Phase, Protocol, Severity, Transaction, Verdict
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http import Recorder
from revproxy.proxy.http.message import Client
from revproxy.proxy.http.record import CLIENT_GONE, Entry

CLIENT = Client("192.0.2.1", "192.0.2.1", b"http", "web")


class Lists:
    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.audits: list[bytes] = []
        self.access = self.lines.append
        self.audit = self.audits.append
        self.errors: list[bytes] = []
        self.error: Callable[[bytes], None] | None = None


def written(entry: Entry, lists: Lists | None = None) -> tuple[dict[str, object], list[bytes], Metrics]:
    lists, metrics = lists or Lists(), Metrics()
    request = parse_request(get(b'/"\\\x7f'.replace(b"\x7f", b"x") + b"?password=hunter2"), HttpLimits())
    Recorder(lists, metrics).write(entry, CLIENT, request)  # type: ignore[arg-type]
    return json.loads(lists.lines[0]), lists.audits, metrics


def test_an_entry_that_was_not_finished_is_a_client_that_left() -> None:
    record, audits, _ = written(Entry(Transaction("id1", Protocol.HTTP)))
    assert (record["status"], record["verdict"], record["upstream_ms"]) == (CLIENT_GONE, "allow", 0)
    assert audits == []
    assert "hunter2" not in json.dumps(record)


def test_findings_are_written_with_the_verdict() -> None:
    transaction = Transaction("id1", Protocol.HTTP)
    transaction.findings += [
        Finding(name, Phase.BODY, Severity.CRITICAL, 5, "m", "args", b"password", b"hunter2") for name in ("a", "b")
    ]
    transaction.scores.inbound = 10
    entry = Entry(transaction, status=403, verdict=Verdict(Action.DENY, 10, "score"), route="r", set_name="s")
    record, audits, metrics = written(entry)
    assert (record["rules"], record["score"], record["verdict"]) == (["a", "b"], 10, "deny")
    assert [json.loads(line)["rule"] for line in audits] == ["a", "b"]
    assert b"hunter2" not in b"".join(audits)
    assert "revproxy_findings_total" in json.dumps(metrics.snapshot(), default=str)


def test_what_the_gate_refused() -> None:
    lists, metrics = Lists(), Metrics()
    Recorder(lists, metrics).write_gate("id1", CLIENT, 400, "no-host")  # type: ignore[arg-type]
    record = json.loads(lists.lines[0])
    assert (record["id"], record["status"], record["verdict"], record["reason"]) == ("id1", 400, "reject", "no-host")
    assert (record["method"], record["target"], record["host"]) == ("", "", "")


def test_a_line_of_the_error_log_for_each_finding() -> None:
    lists, transaction = Lists(), Transaction("id1", Protocol.HTTP)
    lists.error = lists.errors.append
    transaction.findings += [
        Finding(name, Phase.BODY, Severity.CRITICAL, 5, "m", "args", b"a", b"x", data=b"d") for name in ("1", "2")
    ]
    written(Entry(transaction), lists)
    assert [f'[id "{name}"]'.encode() in line for name, line in zip("12", lists.errors, strict=True)] == [True, True]
    assert b"[client 192.0.2.1]" in lists.errors[0]
    assert b'[data "d"] ' in lists.errors[0]
    assert rb'[hostname "site.example"] [uri "/\x22\x5cx"] [unique_id "id1"]' in lists.errors[0]
