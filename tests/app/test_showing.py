"""One rule, told: both languages, what folding made of it, how the engine looks for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from revproxy.app.showing import Known, describe, known_rules, lines
from revproxy.detection.link import linker
from revproxy.detection.link.databases import Expression, Refused

RULES = r"""
SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical=5"
SecRule &TX:blocking_paranoia_level "@eq 0" "id:2,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1"
SecRule TX:BLOCKING_PARANOIA_LEVEL "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx attack" "id:4,phase:2,deny,msg:'level two'"
SecMarker END
SecRule ARGS:q|!ARGS:/^x/|&REQUEST_HEADERS "@rx at+ack" "id:5,phase:2,deny,status:418,t:lowercase,multiMatch,capture,\
    msg:'an attack',tag:'mine',chain,setvar:'tx.anomaly_score=+%{tx.critical}',setvar:'tx.nobody=1'"
    SecRule MATCHED_VARS "!@rx harmless" "t:none"
SecRule REQUEST_HEADERS:User-Agent "!@rx browser" "id:6,phase:1,pass,log,msg:'odd'"
SecRule &REQUEST_HEADERS:Host "@eq 0" "id:7,phase:1,log,allow:phase,ctl:ruleRemoveById=4-5"
SecRule ARGS "@rx heavy" "id:8,phase:2,pass,log,msg:'large'"
SecRule TX:critical "@gt 7" "id:9,phase:2,deny,msg:'never'"
SecRule REQUEST_URI "@contains x" "id:10,phase:1,pass,nolog,setvar:tx.unused=1"
SecRule ARGS_NAMES "@lt 7" "id:11,phase:2,drop,msg:'number'"
"""


@pytest.fixture
def known(tmp_path: Path) -> Known:
    (tmp_path / "mine.conf").write_text(RULES)
    return known_rules((), (str(tmp_path / "mine.conf"),))


def engine(known: Known, name: str) -> list[str]:
    told = describe(name, known)
    return [one["engine"] for one in told.get("folding", told)["conditions"]]


def test_a_rule_with_all_that_it_has(known: Known, tmp_path: Path) -> None:
    told = describe("5", known)
    assert json.loads(json.dumps(told)) == told
    assert (told["origin"], told["phase"], told["action"], told["status"]) == (
        f"{tmp_path}/mine.conf:7:1",
        "body",
        "deny",
        418,
    )
    first, second = told["conditions"]
    assert first["targets"] == ["args.plain:q", "!args.plain:/^x/", "count(headers)"]
    assert first["seclang"] == ["ARGS:q", "!ARGS:/^x/", "&REQUEST_HEADERS"]
    assert first["effects"] == ["tx.anomaly_score += %{tx.critical}", "tx.nobody = 1"]
    assert (first["each_step"], first["capture"], first["transformations"]) == (True, True, ["lowercase"])
    assert second["operators"] == ["not rx harmless"]
    assert told["folding"]["left"]
    assert told["folding"]["conditions"][0]["effects"] == ["tx.anomaly_score += 5"]
    text = "\n".join(lines(told))
    for said in (
        "5: an attack",
        "phase       body (2)",
        "severity    notice: denies by itself with status 418",
        "tags        mine",
        "args.plain:q (ARGS:q), !args.plain:/^x/ (!ARGS:/^x/), count(headers) (&REQUEST_HEADERS) (",
        "(lowercase, at each step)",
        "captures",
        "  folding     what is constant",
        "    condition 2: the same value (MATCHED_VARS) (as it is)",
        "        engine: tried on what the condition before accepted",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("1", "nothing of it depends on a transaction"),
        ("4", "skipped by 3, which always matches (tx:blocking_paranoia_level lt 2)"),
        ("9", "it can never match"),
        ("10", "nobody asks for what it does"),
    ],
)
def test_what_folding_took_out(known: Known, name: str, why: str) -> None:
    told = describe(name, known)
    assert not told["folding"]["left"]
    assert why in told["folding"]["why"]
    assert f"  folding     the rule is gone: {told['folding']['why']}" in lines(told)
    assert not any("engine" in one for one in told["conditions"])


def test_a_level_brings_it_back(tmp_path: Path, known: Known) -> None:
    two = known_rules((), (str(tmp_path / "mine.conf"),), 2)
    assert "folding" not in describe("4", two)
    assert engine(two, "4") == ["scanned for in Hyperscan, with values of class text"]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("6", "tried once for each value, then remembered, with values of class header"),
        ("7", "decided by the names that are there, then remembered, with values of class header"),
        ("11", "tried each time"),
    ],
)
def test_how_the_engine_looks(known: Known, name: str, how: str) -> None:
    assert engine(known, name) == [how]


def test_a_pattern_that_hyperscan_refuses(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = linker.database

    def refuse(expressions: Sequence[Expression], *store: object) -> tuple[str, bytes]:
        refused = frozenset(e.text for e in expressions if b"heavy" in e.text)
        if refused:
            raise Refused(refused)
        return compiled(expressions, None)

    monkeypatch.setattr(linker, "database", refuse)
    assert engine(known, "8") == ["looked for by google-re2: Hyperscan does not take its pattern"]


def test_where_a_rule_goes_on_and_what_it_takes_out(known: Known) -> None:
    assert "  then        goes on at END" in lines(describe("3", known))
    seven = list(lines(describe("7", known)))
    assert "  then        lets pass what is left of the phase" in seven
    assert "      -> rules 4-5 do not run" in seven


def test_an_engine_that_is_off(tmp_path: Path) -> None:
    (tmp_path / "mine.conf").write_text("SecRuleEngine Off\n" + RULES)
    off = known_rules((), (str(tmp_path / "mine.conf"),))
    assert describe("5", off)["folding"] == {"left": False, "why": "the rules say SecRuleEngine Off"}


def test_a_signature(signatures: str) -> None:
    told = describe("one", known_rules((signatures,), ()))
    assert (told["why"], told["references"], told["always"]) == ("a test needs one", ["CWE-20"], False)
    assert told["samples"] == [
        {"match": True, "sample": "args:q=attack-1"},
        {"match": False, "sample": "args:q=harmless"},
    ]
    assert told["conditions"][0]["engine"] == "scanned for in Hyperscan, with values of class text"
    assert "severity    critical: scores 5" in "\n".join(lines(told))
