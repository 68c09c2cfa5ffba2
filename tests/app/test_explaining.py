"""How verdicts are told: from requests through real rules, to lines of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.app.offline import Item, explain, inspect
from revproxy.config import Settings

RULES = r"""
SecRule ARGS:skip "@streq 1" "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;ARGS:q"
SecRule REQUEST_METHOD "@streq GET" "id:2,phase:1,pass,nolog,skipAfter:END"
SecMarker END
SecRule ARGS "@rx s(ec)ret" "id:3,phase:2,pass,t:lowercase,capture,msg:'a secret',chain,\
    setvar:'tx.anomaly_score=+5'"
    SecRule MATCHED_VAR "!@rx harmless" "setvar:'tx.more=1'"
SecRule TX:ANOMALY_SCORE "@ge 5" "id:4,phase:2,deny,status:418,msg:'too much'"
"""


@pytest.fixture
def told(settings: Callable[..., Settings], tmp_path: Path) -> Callable[..., tuple[dict[str, object], list[str]]]:
    """The result and the lines of a request."""
    (tmp_path / "mine.conf").write_text(RULES)

    def tell(target: bytes, enforces: bool = True, raw: bytes = b"", seclang: bool = True):
        made = settings()
        if seclang:
            rules = (str(tmp_path / "mine.conf"),)
            made = replace(made, inspection=replace(made.inspection, rules=rules, signatures=()))
        items = [Item("x", raw or b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)]
        ((line, text),) = explain("http", items, made, enforces)
        (usual,) = inspect("http", items, made, enforces)
        assert {**usual, "micros": 0} == {**line, "micros": 0}
        return line, text.splitlines()

    return tell


def test_each_rule_with_what_it_saw_and_did(told, tmp_path) -> None:
    line, lines = told(b"/?q=a%01SECRET&p=1")
    assert line["rules"] == ["3", "4"]
    assert lines == [
        "x: deny, status 418, score 5",
        "  phase 2, body",
        f"    3: a secret [{tmp_path}/mine.conf:5:1]",
        r"      ARGS:q (args.plain): a\x01SECRET",
        r"        after lowercase: a\x01secret",
        "        matched: secret",
        "        captured 1: ec",
        "        by rx s(ec)ret",
        r"      MATCHED_VAR (matched.one): a\x01secret",
        "        by not rx harmless",
        "      -> tx.anomaly_score = 5",
        f"    4: too much [{tmp_path}/mine.conf:8:1]",
        "      TX:anomaly_score (tx): 5",
        "        by ge 5",
        "      -> refuses (deny, status 418)",
        "  verdict: rule 4 decides by itself",
    ]


def test_what_rules_take_out(told) -> None:
    line, lines = told(b"/?skip=1&q=secret")
    assert line["verdict"] == "allow"
    assert any("-> rules 3 do not look at ARGS:q" in one for one in lines)
    assert lines[-1] == "  verdict: passes: 0 points, refused from 5 on"


def test_scores_and_modes(told) -> None:
    _, lines = told(b"/?q=attack-1", seclang=False)
    assert "      -> adds 5 to the score of what comes in" in lines
    assert lines[-1] == "  verdict: 5 points reach the threshold of 5"
    _, lines = told(b"/?q=attack-1", enforces=False, seclang=False)
    assert lines[-1] == "  verdict: 5 points reach the threshold of 5; only recorded (--detect)"
    _, lines = told(b"/", seclang=False)
    assert lines[1:] == ["  no rule matched", "  verdict: passes: 0 points, refused from 5 on"]
    _, lines = told(b"", raw=b"GET / HTTP/1.1\r\n\r\n")
    assert lines[0] == "x: reject, status 400, score 0"
    assert lines[-1].startswith("  verdict: refused before any rule: ")
