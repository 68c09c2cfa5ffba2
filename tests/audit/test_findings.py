import json

from hypothesis import given
from hypothesis import strategies as st

from revproxy.audit import About, encode_finding, encode_staged, findings, frame_of, seen
from revproxy.audit.findings import MOST_STAGED
from revproxy.audit.telling import message_of
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


PIECES = [
    b"a",
    b"1 or 1=1",
    b'"',
    b"\\",
    b"\n",
    b"\x7f",
    b"\xff",
    "ä".encode(),
    b"%3Cx",
    b"password=hunter2",
    b"<script>" * 20,
]
hostile = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join) | st.binary(max_size=600)


@given(
    field=st.sampled_from(["args", "cookies", "args.names", 'a"b']),
    key=hostile | st.just(b"token"),
    value=hostile,
    message=st.text(max_size=20),
    tags=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    filled=st.booleans(),
)
def test_a_record_is_what_json_makes_of_it(field, key, value, message, tags, filled):
    one = finding(field=field, key=key, value=value, message=message, tags=tags, filled=filled)
    about = {"method": b"GET", "host": b"h\xff", "target": b"/a?" + value}
    frame = frame_of(id="T1", ts=0.5, route='"r"', verdict=DENY, ruleset="r", client="c", **about)
    expected = {
        "ts": "1970-01-01T00:00:00.500Z",
        "type": "finding",
        "id": "T1",
        "client": "c",
        "protocol": "http",
        "route": '"r"',
        "rule": "sql-1",
        "severity": "critical",
        "message": message_of(one).decode(),
        "phase": 2,
        **seen(one),
        "score": 5,
        "verdict": "deny",
        "enforced": True,
        "total": 7,
        "reason": "anomaly-score",
        "tags": list(tags),
        "ruleset": "r",
        **About("T1", 0.5, "", "http", "", "", **about).request,
    }
    assert encode_finding(one, frame) == json.dumps(expected, separators=(",", ":")).encode()


def test_a_rule_of_another_set_with_the_same_id_is_another_one():
    changes = [{"message": "a"}, {"tags": ("b",)}, {"phase": Phase.HEAD}, {"severity": Severity.NOTICE}]
    for change in (*changes, {}, *changes):
        name, value = next(iter(change.items()), ("message", "SQL injection"))
        told = json.loads(encoded(finding(**change)))[name]
        assert told == {"phase": 1, "severity": "notice", "tags": ["b"]}.get(name, value)


def test_rules_are_remembered_within_bounds():
    for number in range(findings._MOST_RULES + 10):
        encoded(finding(rule=f"rule-{number}"))
        assert len(findings._rules) <= findings._MOST_RULES
    assert json.loads(encoded(finding(rule="rule-1")))["rule"] == "rule-1"


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
