"""What rules do to each other, beside real ModSecurity: `tests/data/seclang/semantics.yaml`.

Compared are the rules that log, in order, and what they log.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from revproxy.app.build import inspection_of
from revproxy.app.ftw.inprocess import linked_of
from revproxy.app.unconfigured import offline_settings
from revproxy.inspection import Policy
from revproxy.proxy.http import inspect_request
from tests.oracle.exchanges import exchange
from tests.oracle.modsecurity import Oracle, Rules, available

pytestmark = pytest.mark.skipif(not available(), reason="needs libmodsecurity")

CASES = yaml.safe_load((Path(__file__).parents[1] / "data/seclang/semantics.yaml").read_text("utf-8"))["cases"]
REQUEST = "GET /?a=b&C=d HTTP/1.1\r\nHost: a\r\nCookie: K=v\r\n\r\n"
PAGE = b"<p>page</p>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE)
HEAD = """
SecRuleEngine {engine}
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/html
"""
LOG = "log,msg:'m'"
NAME = f"{LOG},logdata:'%{{MATCHED_VAR_NAME}}'"
_LINE = re.compile(r'\[id "(\d+)"\].*?\[data "(.*?)"\] \[')

Told = list[tuple[str, str]]
"""Rules that log, and what they log besides."""


def theirs(rules: str, raw: bytes, folder: Path) -> Told:
    headers = ((b"Content-Type", b"text/html"), (b"Content-Length", b"%d" % len(PAGE)))
    with Oracle(Rules((("text", rules),)), folder) as oracle:
        seen = oracle.explain(exchange(raw, 200, headers, PAGE))
    assert not seen.trouble
    names = {found[1]: found[2] for line in seen.lines if (found := _LINE.search(line))}
    return [(str(rule), names.get(str(rule), "")) for rule in seen.rules]


def ours(rules: str, raw: bytes, folder: Path, enforces: bool) -> Told:
    file, settings = folder / "rules.conf", offline_settings()
    file.write_text(rules)
    inspection = inspection_of(linked_of([str(file)], "", settings), settings)
    policy = Policy(enforces=enforces)
    outcome = asyncio.run(inspect_request(raw, inspection, policy, settings.limits, ANSWER))
    return [(finding.rule, finding.data.decode("latin-1")) for finding in outcome.findings]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_same_rules(case: dict[str, Any], tmp_path: Path) -> None:
    engine = case.get("engine", "DetectionOnly")
    rules = HEAD.format(engine=engine) + case["rules"].replace("LOG", LOG).replace('NAME"', NAME + '"')
    raw = case.get("request", REQUEST).encode("latin-1")
    expected = theirs(rules, raw, tmp_path)
    got = ours(rules, raw, tmp_path, engine == "On")
    assert expected
    if "differs" in case:
        assert [rule for rule, _ in got] == list(map(str, case["differs"]["ours"]))
        assert got != expected, "differs no more"
        assert case["differs"]["why"]
    else:
        assert got == expected
