"""The oracle itself: what it is asked and answers, its memory, and what it does when its process does not answer."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.oracle.exchanges import Exchange, exchange
from tests.oracle.modsecurity import Oracle, Rules, RulesRefused, available, crs

pytestmark = pytest.mark.skipif(not available(), reason="needs libmodsecurity")

RULES = r"""
SecRuleEngine {engine}
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/html
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS "@rx evil" "id:10,phase:2,deny,status:418,log,msg:'m',logdata:'%{{MATCHED_VAR_NAME}}'"
SecRule XML:/* "@rx evil" "id:11,phase:2,pass,log"
SecRule REQUEST_HEADERS:X "@rx ^\xff$" "id:12,phase:1,pass,log"
SecRule RESPONSE_STATUS "@eq 500" "id:13,phase:3,pass,log"
SecRule RESPONSE_BODY "@contains evil" "id:14,phase:4,pass,log"
SecAction "id:15,phase:5,pass,log,msg:'m'"
SecRule REQUEST_BODY_LENGTH "@gt 0" "id:16,phase:2,pass,log"
"""


def rules(engine: str = "DetectionOnly") -> Rules:
    return Rules((("text", RULES.format(engine=engine)),))


@pytest.fixture
def oracle(tmp_path: Path):
    with Oracle(rules(), tmp_path) as made:
        yield made


def post(kind: str, body: bytes) -> Exchange:
    head = f"POST /?a=b HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return exchange(head.encode() + body)


FORM = "application/x-www-form-urlencoded"


def test_phases(oracle: Oracle) -> None:
    assert oracle.run(exchange(b"GET /?a=evil HTTP/1.1\r\nHost: a\r\n\r\n")).rules == (10, 15)
    assert oracle.run(post(FORM, b"x=evil")).rules == (10, 16, 15)
    assert oracle.run(post("application/json", b'{"x": ["evil"]}')).rules == (10, 16, 15)
    assert oracle.run(post("text/xml", b"<a>evil</a>")).rules == (11, 16, 15)
    assert oracle.run(exchange(b"GET / HTTP/1.1\r\nX: \xff\r\n\r\n")).rules == (12, 15)
    answered = exchange(b"GET / HTTP/1.1\r\n\r\n", 500, ((b"Content-Type", b"text/html"),), b"so evil")
    assert oracle.run(answered).rules == (13, 14, 15)


def test_intervention(tmp_path: Path) -> None:
    with Oracle(rules("On"), tmp_path) as enforcing:
        seen = enforcing.explain(exchange(b"GET /?a=evil HTTP/1.1\r\n\r\n"))
        assert (seen.status, 10 in seen.rules) == (418, True)
        assert any('[id "10"]' in line for line in seen.lines)


def test_explanations(oracle: Oracle) -> None:
    lines = oracle.explain(exchange(b"GET /?a=evil HTTP/1.1\r\n\r\n")).lines
    assert '[data "ARGS:a"]' in lines[0]
    assert oracle.explain(exchange(b"GET / HTTP/1.1\r\n\r\n")).lines[0].count('[id "15"]') == 1


def test_what_no_head_announces_is_no_body() -> None:
    assert exchange(b"POST / HTTP/1.1\r\nHost: a\r\n\r\nx").body == b""
    chunked = exchange(b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
    assert chunked.body == b"abcd"
    assert (chunked.method, chunked.target, chunked.version) == (b"POST", b"/", b"1.1")


def test_memory(tmp_path: Path) -> None:
    request = exchange(b"GET /?a=evil HTTP/1.1\r\n\r\n")
    with Oracle(rules(), tmp_path) as first:
        seen = first.run(request)
        assert first.asked == 1
    with Oracle(rules(), tmp_path) as second:
        assert second.run(request) == seen
        assert second.asked == 0
    with Oracle(rules("On"), tmp_path) as other:
        other.run(request)
        assert other.asked == 1


def test_a_file_and_its_data_change_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text('SecAction "id:1,phase:1,log,pass,msg:x"\n')
    made = Rules((("file", str(file)),))
    before = made.digest
    (tmp_path / "words.data").write_text("x")
    assert made.digest != before
    with Oracle(made, tmp_path) as oracle:
        assert oracle.run(exchange(b"GET / HTTP/1.1\r\n\r\n")).rules == (1,)


def test_rules_that_it_does_not_take(tmp_path: Path) -> None:
    with (
        Oracle(Rules((("text", "SecNonsense On"),)), tmp_path) as oracle,
        pytest.raises(RulesRefused, match="SecNonsense"),
    ):
        oracle.run(exchange(b"GET / HTTP/1.1\r\n\r\n"))


def test_a_process_that_dies_or_hangs_is_replaced(oracle: Oracle) -> None:
    request = exchange(b"GET /?a=evil HTTP/1.1\r\n\r\n")
    assert oracle.run(exchange(b"GET / HTTP/1.1\r\n\r\n")).trouble == ""
    assert oracle._process is not None
    oracle._process.kill()
    assert oracle.explain(request).trouble == "crash"
    assert oracle.explain(request).rules == (10, 15)
    assert oracle._channel is not None
    oracle._channel.settimeout(0.2)
    oracle._process.send_signal(signal.SIGSTOP)
    assert oracle.explain(request).trouble == "timeout"
    assert oracle.explain(request).rules == (10, 15)


def test_a_crs_folder(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("crs-setup.conf.example", "rules/b.conf", "rules/a.conf", "rules/c.conf.example"):
        (tmp_path / name).touch()
    names = [Path(what).name for kind, what in crs(tmp_path, "before").parts if kind == "file"]
    assert names == ["crs-setup.conf.example", "a.conf", "b.conf"]
    assert crs(tmp_path, "before").parts[0] == ("text", "before")
    (tmp_path / "crs-setup.conf").touch()
    assert Path(crs(tmp_path).parts[0][1]).name == "crs-setup.conf"
