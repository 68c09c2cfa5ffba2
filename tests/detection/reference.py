"""libmodsecurity 3 in process: what the reference engine makes of one value.

The value is a request body of plain text, which a rule sees byte for byte. What a rule found comes back as its
logdata, in hexadecimal, without a limit of length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

libmodsecurity = pytest.importorskip("libmodsecurity")

HEAD = """
SecRuleEngine On
SecRequestBodyAccess On
SecAuditEngine Off
SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
"""
ALL = '"@unconditionalMatch" "id:{},phase:2,pass,log,t:none,{}t:hexEncode,logdata:\'%{{MATCHED_VAR}}\'"'

_fired: dict[int, str] = {}
_engine = libmodsecurity.ModSecurity()
_engine.set_rule_message_callback(lambda message: _fired.__setitem__(message.rule_id, message.data))


class Rules:
    """A rule set; called with a value it gives the logdata of the rules that matched, by id."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Raises ValueError for what the reference does not take."""
        self._rules = libmodsecurity.RulesSet()
        if self._rules.load(HEAD + "\n".join(lines) + "\n") < 0:
            raise ValueError(self._rules.get_parser_error())

    def __call__(self, value: bytes) -> dict[int, str]:
        _fired.clear()
        transaction = libmodsecurity.Transaction(_engine, self._rules)
        transaction.process_connection("192.0.2.1", 1, "192.0.2.2", 80)
        transaction.process_uri("/", "POST", "1.1")
        transaction.add_request_header("Content-Type", "text/plain")
        transaction.process_request_headers()
        transaction.append_request_body(value)
        transaction.process_request_body()
        return dict(_fired)


def transformations(names: Sequence[str]) -> Callable[[bytes], dict[str, bytes]]:
    """What each of them makes of a value."""
    rules = Rules([f"SecRule REQUEST_BODY {ALL.format(10 + n, f't:{name},')}" for n, name in enumerate(names)])

    def run(value: bytes) -> dict[str, bytes]:
        got = rules(value)
        return {name: bytes.fromhex(got[10 + n]) for n, name in enumerate(names)}

    return run


Answer = tuple[bytes | None, ...] | None
"""None: no match; otherwise what TX:0 to TX:9 became."""


def operator(name: str, argument: str) -> Callable[[bytes], Answer]:
    """What it says about a value. ValueError for an argument that the reference does not take."""
    written = f"@{name} {argument}" if argument else f"@{name}"
    lines = [f'SecRule REQUEST_BODY "{written}" "id:10,phase:2,pass,log,capture,t:none,logdata:x"']
    rules = Rules(lines + [f"SecRule TX:{n} {ALL.format(20 + n, '')}" for n in range(10)])

    def run(value: bytes) -> Answer:
        got = rules(value)
        if 10 not in got:
            return None
        return tuple(bytes.fromhex(got[20 + n]) if 20 + n in got else None for n in range(10))

    return run
