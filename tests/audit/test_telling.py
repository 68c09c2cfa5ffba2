from revproxy.audit.telling import data_of, message_of
from revproxy.model import Finding, Phase, Severity

HEADER, PASSWORD = ("headers", b"x-a"), ("args", b"password")


def finding(message="m", data=b"", filled=False, sources=()):
    return Finding("1", Phase.BODY, Severity.NOTICE, 2, message, "method", data=data, filled=filled, sources=sources)


def test_a_message_without_references_is_the_rules_own():
    assert message_of(finding("token=abc", sources=(PASSWORD,))) == b"token=abc"


def test_what_was_filled_in_is_masked():
    seen = finding("saw password=hunter2&a=1", b"of x: Bearer abcdefgh", True, (HEADER,))
    assert message_of(seen) == b"saw password=[redacted]&a=1"
    assert data_of(seen) == b"of x: Bearer [redacted]"


def test_what_came_of_a_secret_is_masked_whole():
    for source in (PASSWORD, ("cookies.plain", b"a")):
        seen = finding("saw hunter2", b"hunter2 within ARGS", True, (HEADER, source))
        assert message_of(seen) == data_of(seen) == b"[redacted]"


def test_nothing_is_nothing():
    assert data_of(finding(sources=(PASSWORD,))) == b""
