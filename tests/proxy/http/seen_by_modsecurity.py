"""What libmodsecurity 3 has in its variables for a request and an answer, in process.

Each variable is logged by rules that match always: its values in hexadecimal, and the names of these values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libmodsecurity

Pairs = list[tuple[bytes, bytes]]
"""Key (nothing where there is none) and value of each value of a variable, sorted."""

_HEAD = """
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\\+|/)|text/)xml" \\
    "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
    "id:2,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
"""
# What a rule accepts is appended to two variables, for each value, and those are logged.
_RULES = """
SecAction "id:{0},phase:{phase},pass,nolog,setvar:'tx.values=S',setvar:'tx.names=S'"
SecRule {variable} "@unconditionalMatch" "id:{1},phase:{phase},pass,nolog,t:hexEncode,\\
    setvar:'tx.values=%{{tx.values}}-%{{MATCHED_VAR}}',setvar:'tx.names=%{{tx.names}}{mark}%{{MATCHED_VAR_NAME}}'"
SecRule TX:names "@unconditionalMatch" \\
    "id:{2},phase:{phase},pass,log,msg:'seen',t:hexEncode,logdata:'%{{tx.values}} %{{MATCHED_VAR}}'"
"""
_MARK = "~|~"
"""Stands before each name; there is none in the names of any test."""


@dataclass(frozen=True)
class Message:
    """A request and what was answered."""

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    answer: bytes = b""


class Variables:
    """Some variables of phase BODY and some of phase REPLY_BODY."""

    def __init__(self, request: Sequence[str], answer: Sequence[str]) -> None:
        self._engine = libmodsecurity.ModSecurity()
        self._engine.set_log_callback(lambda line: None)
        self._rules = libmodsecurity.RulesSet()
        self._names: dict[int, str] = {}
        text = _HEAD
        for phase, variables in ((2, request), (4, answer)):
            for variable in variables:
                at = 100 + 3 * len(self._names)
                self._names[at + 2] = variable

                text += _RULES.format(at, at + 1, at + 2, phase=phase, variable=variable, mark=_MARK)
        if self._rules.load(text) < 0:
            raise ValueError(self._rules.get_parser_error())

    def __call__(self, given: Message) -> dict[str, Pairs]:
        """The values by variable."""
        tx = libmodsecurity.Transaction(self._engine, self._rules)
        tx.process_connection("192.0.2.1", 4711, "192.0.2.80", 443)
        tx.process_uri(given.target, given.method, b"1.1")
        for name, value in given.headers:
            tx.add_request_header(name, value)
        tx.process_request_headers()
        if given.body:
            tx.append_request_body(given.body)
        tx.process_request_body()
        for name, value in given.answer_headers:
            tx.add_response_header(name, value)
        tx.process_response_headers(200, b"HTTP/1.1")
        if given.answer:
            tx.append_response_body(given.answer)
        tx.process_response_body()
        return {self._names[m.rule_id]: _pairs(m.data) for m in tx.get_rule_messages() if m.rule_id in self._names}


def _pairs(data: str) -> Pairs:
    values, names = data.split(" ")
    told = bytes.fromhex(names).split(_MARK.encode())[1:]
    return sorted(
        (b"" if name.startswith(b"XML") else name.partition(b":")[2], bytes.fromhex(value))
        for name, value in zip(told, values.split("-")[1:], strict=True)
    )
