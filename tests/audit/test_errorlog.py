import re

from hypothesis import given
from hypothesis import strategies as st

from revproxy.audit import encode_error
from revproxy.model import ALLOWED, Action, Finding, Phase, Severity, Verdict

GO_FTW = re.compile(rb'\[id "([0-9]+)"\]|"id": *"?([0-9]+)"?')
"""How the runner of OWASP CRS finds rules in a log."""


def finding(**changes):
    values = {
        "rule": "942100",
        "phase": Phase.BODY,
        "severity": Severity.CRITICAL,
        "score": 5,
        "message": "SQL injection",
        "field": "args.plain",
        "key": b"q",
        "value": b"1 or 1=1",
        "tags": ("attack-sqli", "paranoia-level/1"),
        "data": b"Matched Data: 1&1 found within ARGS:q",
    }
    return Finding(**{**values, **changes})


def line(made, verdict=ALLOWED, **more):
    given = {"client": "192.0.2.1", "host": b"a.example", "target": b"/p?q=1"}
    return encode_error(made, id="T1", ts=0.5, verdict=verdict, **given | more)


def test_a_line():
    assert line(finding()) == (
        b"1970-01-01T00:00:00.500Z [error] [client 192.0.2.1] revproxy: Warning. Matched args.plain:q."
        b' [id "942100"] [msg "SQL injection"] [data "Matched Data: 1&1 found within ARGS:q"] [severity "CRITICAL"]'
        b' [tag "attack-sqli"] [tag "paranoia-level/1"] [hostname "a.example"] [uri "/p"] [unique_id "T1"]'
    )


def test_of_mail_and_of_a_rule_that_says_little():
    bare = line(finding(key=b"", tags=(), data=b"", message=""), client="", host=b"", target=b"")
    assert bare.endswith(b'Matched args.plain. [id "942100"] [severity "CRITICAL"] [unique_id "T1"]')


def test_the_rule_that_refused_says_so():
    denying = finding(action=Action.DENY)
    assert b"Access denied (phase 2)." in line(denying, Verdict(Action.DENY, 5, "942100"))
    for verdict in (Verdict(Action.DENY, 5, "949110"), Verdict(Action.DENY, 5, "942100", enforced=False)):
        assert b"Warning." in line(denying, verdict)
    assert b"Warning." in line(finding(), Verdict(Action.DENY, 5, "score"))


def test_the_marker_of_go_ftw_stands_as_it_was_sent():
    for name in ("550e8400-e29b-41d4-a716-446655440000-s", "41111111-1111-1111-8000-000000000000"):
        made = finding(
            rule="999999", message=f"X-CRS-Test {name}", filled=True, sources=(("headers", b"x-crs-test"),)
        )
        assert f'[msg "X-CRS-Test {name}"]'.encode() in line(made)


def test_secrets_are_masked():
    made = finding(key=b"password", data=b"hunter2", sources=(("args.plain", b"password"),))
    assert b"hunter2" not in line(made, target=b"/reset/hunter2/x")
    assert b"hunter2" not in line(finding(data=b"body: password=hunter2"))
    assert b"hunter2" not in line(finding(key=b"a?token=hunter2"))


@given(st.binary(max_size=2000), st.binary(max_size=300))
def test_no_value_ends_its_part_or_its_line(data, key):
    made = line(finding(data=data, key=key, message="m", filled=True), host=key, target=data)
    assert made.isascii()
    assert all(0x20 <= byte < 0x7F for byte in made)
    assert len(made) < 10_000
    assert [a or b for a, b in GO_FTW.findall(made)] == [b"942100"]


def test_an_escape():
    assert rb'[data "\x22\x5c\x0a\xe9[id \x221\x22]"]' in line(finding(data=b'"\\\n\xe9[id "1"]'))


def test_it_is_bounded():
    made = line(finding(data=b"\x00" * 5000, tags=("t" * 500,) * 100), target=b"/" + b"a" * 5000)
    assert len(made) < 6000
    assert made.count(b"[tag ") == 32
