import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.audit import access, encode_http_access, encode_smtp_access, timestamp

HTTP = {
    "ts": 1_700_000_000.25,
    "id": "T1",
    "client": "203.0.113.7",
    "listener": "web",
    "host": b"www.example.org",
    "method": b"GET",
    "target": b"/a?q=1",
    "status": 200,
    "bytes_in": 1,
    "bytes_out": 2,
    "seconds": 0.0123,
}
SMTP = {
    "ts": 1_700_000_000.25,
    "id": "T2",
    "client": "2001:db8::7",
    "listener": "mail",
    "helo": b"mx.sender.example",
    "sender": b"a@sender.example",
    "recipients": [b"b@example.org"],
    "code": 250,
    "bytes_in": 4096,
    "seconds": 1.5,
}


def test_an_exchange():
    record = json.loads(encode_http_access(**HTTP, upstream="app", upstream_seconds=0.01, rules=["942100"], score=5))
    assert record == {
        "ts": "2023-11-14T22:13:20.250Z",
        "type": "http",
        "id": "T1",
        "client": "203.0.113.7",
        "listener": "web",
        "host": "www.example.org",
        "method": "GET",
        "target": "/a?q=1",
        "status": 200,
        "bytes_in": 1,
        "bytes_out": 2,
        "ms": 12.3,
        "upstream": "app",
        "upstream_ms": 10.0,
        "verdict": "allow",
        "score": 5,
        "rules": ["942100"],
    }


def test_a_message():
    record = json.loads(encode_smtp_access(**SMTP, tls=True, verdict="deny", reason='say "no"'))
    assert record["sender"] == "a@sender.example"
    assert record["to"] == ["b@example.org"]
    assert record["recipients"] == 1
    assert record["tls"] is True
    assert record["reason"] == 'say "no"'


@pytest.mark.parametrize(("encode", "values"), [(encode_http_access, HTTP), (encode_smtp_access, SMTP)])
def test_a_verdict_that_is_not_enforced_says_so(encode, values):
    assert "enforced" not in json.loads(encode(**values))
    assert "enforced" not in json.loads(encode(**values, verdict="deny", score=7))
    assert json.loads(encode(**values, enforced=False))["enforced"] is False
    record = json.loads(encode(**values, verdict="deny", reason="anomaly-score", enforced=False))
    assert (record["reason"], record["enforced"]) == ("anomaly-score", False)


def test_many_recipients_are_counted_and_some_named():
    record = json.loads(encode_smtp_access(**{**SMTP, "recipients": [b"x@example.org"] * 90}))
    assert record["recipients"] == 90
    assert len(record["to"]) == access.RECIPIENTS


def test_secrets_of_the_query_are_masked():
    line = encode_http_access(**{**HTTP, "target": b"/login?user=bob&p%61ssword=hunter2"})
    assert b"hunter2" not in line
    assert b"user=bob" in line


def test_a_long_target_is_cut():
    assert len(encode_http_access(**{**HTTP, "target": b"/" + b"a" * 100_000})) < 3_000


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
        (1_700_000_001.0, "2023-11-14T22:13:21.000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500Z"),
    ],
)
def test_timestamps(now, text):
    assert timestamp(now) == text


@given(st.floats(min_value=0.0, max_value=1e12) | st.integers(0, 10**7).map(lambda whole: whole / 800))
def test_numbers_are_told_as_a_format_does(number):
    assert access.hundredths(number) == f"{number:.2f}"


def test_the_target_of_another_request_is_another_one():
    targets = [b"/a?q=1&token=hunter2", b"/a?q=2", b"/a", b"/a?q=1&token=hunter2", b"/a?q=2" + b"x" * 3_000]
    told = [json.loads(encode_http_access(**{**HTTP, "target": one}))["target"] for one in targets]
    assert told[:4] == ["/a?q=1&token=[redacted]", "/a?q=2", "/a", "/a?q=1&token=[redacted]"]
    assert len(told[4]) == access.TARGET_BYTES


@given(host=st.binary(max_size=400), method=st.binary(max_size=50), target=st.binary(max_size=3000))
def test_no_byte_of_a_peer_ends_the_line_or_a_string(host, method, target):
    line = encode_http_access(**{**HTTP, "host": host, "method": method, "target": target})
    assert b"\n" not in line
    assert line.isascii()
    record = json.loads(line)
    assert record["host"] == host[: access.NAME_BYTES].decode("latin-1")
    assert record["status"] == 200


@given(helo=st.binary(max_size=400), recipients=st.lists(st.binary(max_size=50), max_size=30))
def test_nor_of_a_mail_client(helo, recipients):
    line = encode_smtp_access(**{**SMTP, "helo": helo, "recipients": recipients})
    assert b"\n" not in line
    assert json.loads(line)["recipients"] == len(recipients)
