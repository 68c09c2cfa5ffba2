import json

from hypothesis import given
from hypothesis import strategies as st

from revproxy.audit import About, encode_finding, encode_staged, frame_of, seen
from revproxy.audit.findings import MOST_STAGED
from revproxy.model import ALLOWED, Action, Finding, Phase, Severity, Verdict

DENY = Verdict(Action.DENY, 7, "anomaly-score")


def encoded(finding):
    return encode_finding(finding, frame_of(id="T1", ts=0.5, route="app", verdict=DENY, ruleset="0123456789abcdef"))


def finding(**changes):
    values = {
        "rule": "sql-1",
        "phase": Phase.BODY,
        "severity": Severity.CRITICAL,
        "score": 5,
        "message": "SQL injection",
        "field": "args",
        "key": b"q",
        "value": b"' or 1=1 -- ",
        "tags": ("attack-sqli",),
    }
    return Finding(**{**values, **changes})


def test_a_record():
    assert json.loads(encoded(finding())) == {
        "ts": "1970-01-01T00:00:00.500Z",
        "type": "finding",
        "id": "T1",
        "client": "",
        "protocol": "http",
        "route": "app",
        "rule": "sql-1",
        "severity": "critical",
        "message": "SQL injection",
        "phase": 2,
        "field": "args",
        "key": "q",
        "excerpt": "' or 1=1 -- ",
        "score": 5,
        "verdict": "deny",
        "enforced": True,
        "total": 7,
        "reason": "anomaly-score",
        "tags": ["attack-sqli"],
        "ruleset": "0123456789abcdef",
    }


def test_the_total_is_the_transactions_also_when_it_was_allowed():
    line = encode_finding(finding(), frame_of(id="T1", ts=0.5, route="app", verdict=ALLOWED, ruleset="r", total=3))
    record = json.loads(line)
    assert (record["verdict"], record["score"], record["total"]) == ("allow", 5, 3)


def test_secrets_do_not_appear():
    assert b"hunter2" not in encoded(finding(key=b"password", value=b"hunter2' or 1=1"))
    assert b"hunter2" not in encoded(finding(field="cookies", key=b"sid", value=b"hunter2' or 1=1"))
    assert b"hunter2" not in encoded(finding(field="headers", key=b"authorization", value=b"hunter2"))
    assert b"hunter2" not in encoded(finding(field="body", key=b"", value=b'{"password":"hunter2","a":"<script>"}'))


@given(key=st.binary(max_size=300), value=st.binary(max_size=512), message=st.text(max_size=50))
def test_hostile_values_stay_in_their_strings(key, value, message):
    line = encoded(finding(key=key, value=value, message=message))
    assert b"\n" not in line
    record = json.loads(line)
    assert len(record["excerpt"]) <= 128
    assert record["message"] == message


def test_the_request_stands_there_masked_as_in_its_access_record():
    line = encode_finding(
        finding(),
        frame_of(
            id="T1",
            ts=0.5,
            route="app",
            verdict=DENY,
            ruleset="r",
            method=b"POST",
            host=b"shop.example",
            target=b"/a\x07?q=1&password=hunter2" + b"&x" * 2_000,
        ),
    )
    record = json.loads(line)
    assert (record["method"], record["host"]) == ("POST", "shop.example")
    assert record["target"].startswith("/a\x07?q=1&password=[redacted]&x")
    assert len(record["target"]) <= 2_060
    assert line.isascii()
    assert b"hunter2" not in line


def test_what_a_staged_set_says():
    about = About("T1", 0.5, "192.0.2.1", "http", "app", "old", b"GET", b"shop.example", b"/a?password=hunter2")
    found = [finding(key=b"password", value=b"hunter2")] * (MOST_STAGED + 1)
    line = encode_staged(about, ALLOWED, "new", DENY, found)
    assert b"hunter2" not in line
    record = json.loads(line)
    assert record == {
        "ts": "1970-01-01T00:00:00.500Z",
        "type": "staged",
        "id": "T1",
        "client": "192.0.2.1",
        "protocol": "http",
        "route": "app",
        "verdict": "allow",
        "enforced": True,
        "reason": "",
        "ruleset": "old",
        "staged": {
            "ruleset": "new",
            "verdict": "deny",
            "enforced": False,
            "score": 7,
            "reason": "anomaly-score",
            "findings": [{"rule": "sql-1", "score": 5, **seen(found[0])}] * MOST_STAGED,
        },
        "method": "GET",
        "host": "shop.example",
        "target": "/a?password=[redacted]",
    }
    mail = json.loads(encode_staged(About("T1", 0.5, "", "smtp", "one.example", "old"), DENY, "new", ALLOWED, []))
    assert "target" not in mail
    assert (mail["protocol"], mail["verdict"], mail["staged"]["verdict"]) == ("smtp", "deny", "allow")
