"""Messages and data of rules (msg, logdata), held against what real ModSecurity writes into its log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from revproxy.app.ftw import in_process
from revproxy.app.unconfigured import offline_settings
from tests.oracle.exchanges import exchange
from tests.oracle.modsecurity import Oracle, Rules, available

pytestmark = pytest.mark.skipif(not available(), reason="needs libmodsecurity")

RULES = r"""
SecRuleEngine DetectionOnly
SecRule REQUEST_HEADERS:Referer "@rx #.*" "id:1,phase:1,pass,log,capture,t:none,t:lowercase,msg:'m %{TX.0}',\
    logdata:'%{TX.0} %{tx.name} %{MATCHED_VAR}',setvar:tx.name=%{matched_var_name},chain"
    SecRule TX:0 "@rx x.=" "capture,t:none,chain"
        SecRule MATCHED_VAR "@rx f" "t:none"
SecRule ARGS "@rx a" "id:2,phase:1,pass,log,t:none,msg:'%{MATCHED_VAR_NAME}',logdata:'%{MATCHED_VAR}'"
SecRule ARGS "@rx a" "id:3,phase:1,pass,log,t:none,msg:'m',logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}',chain"
    SecRule REQUEST_METHOD "@rx G" "t:none"
SecRule ARGS "@rx (a)(.)" "id:4,phase:1,pass,log,capture,t:none,msg:'m',\
    logdata:'%{MATCHED_VAR} %{TX.0} %{TX.2}',chain"
    SecRule MATCHED_VARS "@rx (z).(z)" "t:none,capture"
SecRule REQUEST_HEADERS:/x-/|REQUEST_HEADERS_NAMES "@rx ." "id:5,phase:1,pass,log,t:none,msg:'m',\
    logdata:'%{MATCHED_VAR_NAME}'"
SecRule REQUEST_HEADERS "@streq one" "id:6,phase:1,pass,log,t:none,msg:'m',logdata:'%{MATCHED_VAR_NAME}'"
SecRule REQUEST_COOKIES "@rx ." "id:7,phase:1,pass,log,t:none,msg:'m',logdata:'%{MATCHED_VAR_NAME}'"
SecRule &ARGS "@ge 1" "id:8,phase:1,pass,log,t:none,msg:'m',\
    logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR} %{request_headers.host} %{ARGS.q1} %{request_line}'"
SecRule ARGS:q1 "@rx ." "id:9,phase:1,pass,log,t:none,msg:'m',logdata:'%{MATCHED_VAR_NAME}',chain"
    SecRule TX:name "@rx ." "t:none"
SecRule ARGS:q1 "@rx ." "id:10,phase:1,pass,log,t:none,msg:'m',logdata:'%{MATCHED_VAR_NAME}',chain"
    SecRule MATCHED_VAR "@rx ." "t:none"
"""
REQUEST = (
    b"GET /?q1=a1&q2=a2z9z HTTP/1.1\r\nHost: H\r\nRefErer: http://a/#xY=Foo\r\nX-onE: one\r\nX-Two: 2\r\n"
    b"Cookie: Ab=c\r\n\r\n"
)
_PARTS = re.compile(rb'\[(id|msg|data) "([^"]*)"\]')


def told(lines: tuple[bytes, ...]) -> dict[bytes, tuple[bytes, bytes]]:
    """Message and data by rule."""
    parts = [dict(_PARTS.findall(line)) for line in lines]
    return {found[b"id"]: (found[b"msg"], found[b"data"]) for found in parts}


def test_as_modsecurity_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "rules.conf").write_text(RULES)
    with in_process([str(tmp_path / "rules.conf")], "", offline_settings()) as ours:
        mine = told(ours.run(REQUEST).lines)
    with Oracle(Rules((("text", RULES),)), tmp_path) as oracle:
        theirs = told(tuple(line.encode() for line in oracle.explain(exchange(REQUEST)).lines))
    assert len(mine) == 10
    assert mine == theirs
